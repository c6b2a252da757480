/** Questions about Baton alone, which no peer is asked. */

export type Shape = 'layers' | 'chain' | 'wide' | 'foreach';

export type OwnJob = { readonly folder: string } & (
  | {
      /** One run of `tasks` function tasks with empty results, from its start to its end, `repeats` times. */
      readonly what: 'large';
      readonly shape: Shape;
      readonly tasks: number;
      readonly repeats: number;
    }
  /** From a workflow as data to the run being durable: parsing, checking, compiling, storing. Its tasks wait for a person. */
  | { readonly what: 'start'; readonly tasks: number; readonly repeats: number }
  /** Makes a home with so many finished runs of three steps each. */
  | { readonly what: 'home'; readonly runs: number }
);

export interface OwnResult {
  readonly ms: readonly number[];
  readonly memoryMb: number;
  readonly delayP99Ms: number;
  /** The longest the event loop was kept waiting, in milliseconds. */
  readonly delayMaxMs: number;
}
