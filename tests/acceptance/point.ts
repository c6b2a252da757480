/** One point of "It must show": a program that measures its figure and says whether the bar holds. */
export interface Point {
  /** `issue-name/file-name`, as given on the command line. */
  readonly id: string;
  readonly title: string;
  /** The bar, in words. */
  readonly bar: string;
  /** Longest time it may take, in milliseconds. Default 20 minutes. */
  readonly timeoutMs?: number;
  run(): Promise<Shown>;
}
export interface Shown {
  readonly holds: boolean;
  /** What was measured, in one line. */
  readonly figure: string;
  readonly detail?: string;
}
