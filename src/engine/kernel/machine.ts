/** The shapes that the sub-machines share: each noun's file gives a part of the two tables that `kernel.ts` puts together. */
import type { Refusal, RefusalCode, RunCommand } from './commands.ts';
import type { FactOf, RunFact } from './facts.ts';
import type { OwedChange } from './owed.ts';
import type { RunState } from './state.ts';

export type Evolvers = {
  readonly [T in RunFact['type']]: (state: RunState, fact: FactOf<T>, at: number, change: OwedChange) => void;
};
export type Deciders = {
  readonly [T in Exclude<RunCommand['type'], 'run.create'>]: (
    state: RunState,
    command: Extract<RunCommand, { type: T }>,
    at: number,
  ) => Decided;
};
/** Facts in order, or why there are none. An empty list accepts a command that changes nothing any more. */
export type Decided = readonly RunFact[] | Refusal;

export const refuse = (code: RefusalCode, message: string, fields: Omit<Refusal, 'code' | 'message'> = {}): Refusal => ({
  code,
  message,
  ...fields,
});
