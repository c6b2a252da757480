/** Things made from a blob, kept by its hash: the same hash is the same thing for ever, so only their number is bounded. */
export class Kept<T> {
  private readonly byHash = new Map<string, { readonly value: T; readonly weight: number }>();
  private readonly weightMax: number;
  private weight = 0;

  /** @param weightMax all weights together; what is too heavy by itself is not kept */
  constructor(weightMax: number) {
    this.weightMax = weightMax;
  }

  get(hash: string): T | undefined {
    const kept = this.byHash.get(hash);
    if (!kept) return undefined;
    this.byHash.delete(hash);
    this.byHash.set(hash, kept);
    return kept.value;
  }

  /** Lets go of what was not asked for longest, where room is needed. */
  keep(hash: string, value: T, weight = 1): T {
    if (weight > this.weightMax / 4 || this.byHash.has(hash)) return value;
    this.byHash.set(hash, { value, weight });
    this.weight += weight;
    for (const [oldest, kept] of this.byHash) {
      if (this.weight <= this.weightMax) break;
      this.byHash.delete(oldest);
      this.weight -= kept.weight;
    }
    return value;
  }
}
