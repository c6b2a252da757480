/**
 * Tasks that are a function of the program that opened Baton. This is the shortest way through the engine, so it does
 * nothing it need not: no timer, no signal and no key is made unless the function looks at it.
 */
import type { AttemptContext } from '../../engine/host/host.ts';
import type { Outcome } from '../../engine/kernel/commands.ts';
import type { Amounts } from '../../engine/kernel/plan.ts';
import { suggestion } from '../agents/suggestion.ts';
import type { Definition } from '../planning/definition.ts';
import { AttemptError } from '../processes/failure.ts';
import { functionContent, putEmpty } from './content.ts';
import { failedBy, succeeded } from './outcome.ts';
import type { Home } from './surroundings.ts';

/** What a function is given. */
export interface FunctionCall {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  /** `run/task/attempt`. */
  readonly attemptKey: string;
  /** `run/task/run`: the same for every attempt; pass it on, so that the other side can recognise a repeat. */
  readonly effectKey: string;
  /** Aborted on cancel, time limit and shutdown; a function that goes on regardless is given up. */
  readonly signal: AbortSignal;
  /** Performs once: an attempt that follows a lost one gets the recorded value. The value must be JSON. */
  step<T>(key: string, perform: () => T | Promise<T>, amounts?: Amounts): Promise<T>;
  log(text: string): void;
}

/** Its value, which must be JSON: an object is the outputs, nothing is none, anything else is the output `value`. Throw `AttemptError` to choose how a failure is classed. */
export type BatonFunction = (call: FunctionCall) => unknown;
export type Functions = ReadonlyMap<string, BatonFunction>;

type FunctionDefinition = Extract<Definition, { kind: 'function' }>;

export const performFunction = (
  home: Home,
  functions: Functions,
  definition: FunctionDefinition,
  context: AttemptContext,
): Promise<Outcome> => {
  try {
    const perform = functions.get(definition.name);
    if (perform === undefined) throw unknownFunction(definition.name, functions);
    const returned = perform(new Call(definition, context));
    if (returned instanceof Promise)
      return returned.then((value) => finish(value, home, context)).catch((error) => failedBy(error, { ...home, blobs: context.blobs }));
    return Promise.resolve(finish(returned, home, context));
  } catch (error) {
    return Promise.resolve(failedBy(error, { ...home, blobs: context.blobs }));
  }
};

const NO_INPUTS = {};

/** A class, because an object that is written down with getters takes longer to make than everything else here. */
class Call implements FunctionCall {
  readonly inputs: FunctionCall['inputs'];
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  readonly #context: AttemptContext;

  constructor({ inputs = NO_INPUTS }: FunctionDefinition, context: AttemptContext) {
    this.inputs = inputs;
    this.run = context.run;
    this.task = context.spec.id;
    this.attempt = context.attempt;
    this.#context = context;
  }
  get attemptKey(): string {
    return this.#context.attemptKey;
  }
  get effectKey(): string {
    return this.#context.effectKey;
  }
  get signal(): AbortSignal {
    return this.#context.signal;
  }
  /** Given out as a function of its own: whoever writes `({ step }) =>` takes it from its object. */
  get step(): FunctionCall['step'] {
    return async <T>(key: string, perform: () => T | Promise<T>, amounts: Amounts = {}): Promise<T> => {
      const stored = await this.#context.step(key, amounts, async () => ({ output: JSON.stringify(await perform()) ?? 'null' }));
      return JSON.parse(Buffer.from(stored).toString('utf8'));
    };
  }
  get log(): FunctionCall['log'] {
    return (text) => this.#context.log(text, 'text');
  }
}

const finish = (returned: unknown, home: Home, { blobs }: AttemptContext): Outcome =>
  returned === undefined ? { ok: true, result: putEmpty(blobs) } : succeeded(functionContent(returned), { blobs, secrets: home.secrets });

const unknownFunction = (name: string, functions: Functions): AttemptError =>
  new AttemptError('permanent', 'UNKNOWN_FUNCTION', `This program has no function "${name}".`, {
    hint: `${suggestion(name, functions.keys())} Register it where Baton is opened.`.trim(),
    dispatched: false,
  });
