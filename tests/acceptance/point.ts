/** One point of "It must show": a program that measures its figure and says whether the bar holds. */
export interface Point {
  /** `issue-name/file-name`, as given on the command line. */
  readonly id: string;
  readonly title: string;
  /** The bar, in words. */
  readonly bar: string;
  /** Longest time it may take, in milliseconds. Default 20 minutes. */
  readonly timeoutMs?: number;
  /** Runs in a process of its own. What throws falls short. */
  run(): Promise<Shown>;
}
export interface Shown {
  readonly holds: boolean;
  /** What was measured, in one line. */
  readonly figure: string;
  readonly detail?: string;
}

/** The program's default export: `export default point(import.meta, { … })`. Makes the file run by itself as well. */
export function point(meta: ImportMeta, each: Point): Point {
  if (meta.main) measure(each).then((shown) => process.exit(report([{ ...each, ...shown }])));
  return each;
}

export interface Measured extends Shown {
  readonly seconds: number;
}

export async function measure(each: Point): Promise<Measured> {
  const began = performance.now();
  const shown = await each.run().catch(thrown);
  return { ...shown, seconds: (performance.now() - began) / 1000 };
}

export const thrown = (error: unknown): Shown => ({
  holds: false,
  figure: 'threw',
  detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
});

export type Line = Measured & Pick<Point, 'id' | 'title' | 'bar'>;

/** Prints a line per point; returns the exit code. */
export function report(lines: readonly Line[]): number {
  for (const { holds, id, figure, seconds, bar, detail } of lines) {
    console.log(`${holds ? 'holds      ' : 'falls short'}  ${id}  ${figure}  (${seconds.toFixed(0)} s)`);
    if (holds) continue;
    if (bar) console.log(`    bar: ${bar}`);
    if (detail) console.log(detail.trimEnd().replaceAll(/^/gm, '    '));
  }
  return lines.every(({ holds }) => holds) ? 0 : 1;
}
