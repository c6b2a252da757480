/**
 * A running distribution in little room: weights in bins whose bounds grow by a fixed factor, so that every quantile is
 * right within 5 %, whatever the scale (Masson, Rim and Lee, "DDSketch", VLDB 2019). The mean is exact. What is old weighs less.
 */
const ERROR = 0.05;
const GROWTH = Math.log((1 + ERROR) / (1 - ERROR));
/** Smaller values count as this: nothing is faster than a microsecond or cheaper than a millionth. */
const LEAST = 1e-6;

export interface SketchJson {
  readonly weight: number;
  readonly sum: number;
  readonly bins: readonly (readonly [bin: number, weight: number])[];
}

export class Sketch {
  private readonly bins = new Map<number, number>();
  private sum = 0;
  weight = 0;

  add(value: number): void {
    const bin = Math.ceil(Math.log(Math.max(LEAST, value)) / GROWTH);
    this.bins.set(bin, (this.bins.get(bin) ?? 0) + 1);
    this.weight++;
    this.sum += value;
  }

  /** Everything so far weighs `factor` of what it did. */
  fade(factor: number): void {
    for (const [bin, weight] of this.bins) this.bins.set(bin, weight * factor);
    this.weight *= factor;
    this.sum *= factor;
  }

  mean(): number {
    return this.weight > 0 ? this.sum / this.weight : 0;
  }

  /** @param share of the weight that lies below, 0 to 1 */
  quantile(share: number): number {
    let below = 0;
    let last = 0;
    for (const [bin, weight] of [...this.bins].sort(([a], [b]) => a - b)) {
      below += weight;
      last = bin;
      if (below >= share * this.weight) break;
    }
    // The middle of the bin in the sense of relative error.
    return this.weight > 0 ? (2 * Math.exp(last * GROWTH)) / (1 + Math.exp(GROWTH)) : 0;
  }

  toJSON(): SketchJson {
    return { weight: this.weight, sum: this.sum, bins: [...this.bins] };
  }

  static from({ weight, sum, bins }: SketchJson): Sketch {
    const sketch = new Sketch();
    for (const [bin, each] of bins) sketch.bins.set(bin, each);
    sketch.weight = weight;
    sketch.sum = sum;
    return sketch;
  }
}
