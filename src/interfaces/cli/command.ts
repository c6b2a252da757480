/** What a command is, for the parser, the help and the completion alike. Its code is loaded when it is typed. */
import type { Context } from './context.ts';

/** @returns the exit code */
export type Handler<O> = (context: Context, args: readonly string[], options: O) => Promise<number>;

export interface OptionSpec {
  /** As commander reads them: `-o, --option <value>`. */
  readonly flags: string;
  readonly about: string;
  /** Turns what was typed into a value; given what came before where it may be repeated. @throws BatonError `USAGE` */
  readonly read?: (typed: string, before: unknown) => unknown;
}

export interface CommandSpec {
  /** Name and arguments: `show <run> [task]`. */
  readonly usage: string;
  readonly about: string;
  readonly group: 'Runs' | 'Trees' | 'People' | 'Home';
  readonly more?: string;
  readonly options?: readonly OptionSpec[];
  readonly examples: readonly (readonly [typed: string, what: string])[];
  /** What its arguments are, for completion. */
  readonly completes?: readonly ('run' | 'task' | 'file')[];
  readonly load: () => Promise<Handler<never>>;
}
