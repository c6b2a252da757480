/**
 * The one guarded path of every call. In this order: is it a repetition, is there such a tool, do its arguments fit, is
 * it permitted; then it is recorded, run with a time limit, and what it says is cut to what may be shown.
 *
 * Whatever goes wrong is a result that says so, for the caller to act on. Thrown is only what ends the attempt: its
 * signal, a loop that goes on, and bugs of ours.
 */
import type { Failure } from '../../engine/kernel/plan.ts';
import { BatonError } from '../../errors.ts';
import { didYouMean } from '../../near.ts';
import { failure, failureOf } from '../processes/failure.ts';
import { type InputProblem, inputProblems, problemText } from './input.ts';
import { LoopGuard } from './loop.ts';
import { capText } from './text.ts';
import type { Effects, ExecOptions, Tool, ToolPlace, ToolResult } from './tool.ts';

/** Limit of one call of a tool that names none: 60 s. */
export const TOOL_TIMEOUT_MS = 60_000;
/** How long a call that was told to stop may take to do so, before it is given up. */
const STOP_MAX_MS = 10_000;

export interface ToolCall {
  readonly name: string;
  /** As the caller wrote them; not checked. */
  readonly input: unknown;
}

/** What the policy says of a call whose arguments are right. */
export type Permission =
  | { readonly decision: 'allow' }
  | { readonly decision: 'deny'; readonly reason: string }
  /** A person would have to be asked, which single calls can't do yet: refused, with this reason. */
  | { readonly decision: 'ask'; readonly reason: string };

export interface CallRules {
  readonly tools: ReadonlyMap<string, Tool>;
  readonly place: ToolPlace;
  /** Without it everything in `tools` is allowed. Must not throw for bad arguments: they are checked before. */
  readonly permit?: (call: { readonly tool: string; readonly effects: Effects; readonly input: unknown }) => Permission;
  /** Called around each call, in order: performs it, or gives what it gave before a crash. */
  readonly record?: (call: ToolCall, perform: () => Promise<ToolResult>) => Promise<ToolResult>;
  /** The same call in a row, the refused one included. Default 5. */
  readonly repeatsMax?: number;
  /** Most characters of `text`. Default 30,000. */
  readonly textMax?: number;
}

/** What whoever calls is lent for an attempt: where tools act, and what the policy says of each call. */
export type ToolAccess = Pick<CallRules, 'place' | 'permit'>;

/** Calls of one attempt, made one after the other. */
export class ToolCaller {
  private readonly rules: CallRules;
  private readonly loop: LoopGuard;

  constructor(rules: CallRules) {
    this.rules = rules;
    this.loop = new LoopGuard(rules.repeatsMax);
  }

  /** @throws AttemptError `TOOL_LOOP`; the reason of `place.signal`; bugs */
  async call(call: ToolCall): Promise<ToolResult> {
    const { record, textMax, place } = this.rules;
    const repeated = this.loop.refusal(call.name, call.input);
    const perform = async (): Promise<ToolResult> => {
      const result = repeated === undefined ? await this.perform(call) : refused(failure('permanent', 'TOOL_REPEATED', repeated));
      return { ...result, text: capText(result.text, textMax) };
    };
    place.signal.throwIfAborted();
    return record === undefined ? perform() : record(call, perform);
  }

  private async perform({ name, input }: ToolCall): Promise<ToolResult> {
    const { tools, permit, place } = this.rules;
    const tool = tools.get(name);
    if (tool === undefined) return refused(unknownTool(name, tools));
    const parsed = tool.input.safeParse(input);
    if (!parsed.success) return refused(badInput(name, inputProblems(tool, input)));
    const permission = permit?.({ tool: name, effects: tool.effects, input: parsed.data }) ?? { decision: 'allow' };
    if (permission.decision !== 'allow') return refused(notPermitted(name, permission));
    return runWithin(tool, parsed.data, place);
  }
}

const refused = (why: Failure): ToolResult => ({ ok: false, text: why.message, data: {}, failure: { ...why, dispatched: false } });

const unknownTool = (name: string, tools: ReadonlyMap<string, Tool>): Failure => {
  const guess = didYouMean(name, tools.keys());
  const known = tools.size === 0 ? 'There are none.' : `There are ${[...tools.keys()].join(', ')}.`;
  const message = `There is no tool "${name.slice(0, 80)}".${guess === undefined ? '' : ` Did you mean "${guess}"?`} ${known}`;
  return failure('permanent', 'UNKNOWN_TOOL', message);
};

const badInput = (name: string, problems: readonly InputProblem[]): Failure =>
  failure(
    'permanent',
    'TOOL_INPUT',
    `The arguments of ${name} are wrong, and it was not called:\n- ${problems.map(problemText).join('\n- ')}`,
  );

const notPermitted = (name: string, { decision, reason }: Exclude<Permission, { decision: 'allow' }>): Failure =>
  decision === 'deny'
    ? failure('policy', 'TOOL_DENIED', `${name} is not permitted here: ${reason}`)
    : failure(
        'policy',
        'TOOL_NEEDS_APPROVAL',
        `${name} would need a person's approval, which can't be asked for a single call yet: ${reason}. Do without it, or leave it to a task with an approval.`,
      );

const runWithin = async (tool: Tool, input: unknown, place: ToolPlace): Promise<ToolResult> => {
  const timeoutMs = tool.timeoutMs ?? TOOL_TIMEOUT_MS;
  const stop = new AbortController();
  const { promise: givenUp, reject: giveUp } = Promise.withResolvers<never>();
  let stopping: NodeJS.Timeout | undefined;
  const end = (reason: unknown): void => {
    stop.abort(reason);
    stopping ??= setTimeout(() => giveUp(reason), STOP_MAX_MS);
  };
  const onAbort = (): void => end(place.signal.reason);
  const limit = setTimeout(() => end(timedOut(tool.name, timeoutMs)), timeoutMs);
  place.signal.addEventListener('abort', onAbort, { once: true });
  try {
    const result = await Promise.race([tool.run(input, until(place, stop.signal)), givenUp]);
    place.signal.throwIfAborted();
    return result;
  } catch (error) {
    if (place.signal.aborted) throw place.signal.reason;
    if (stop.signal.aborted) return refusedBy(stop.signal.reason);
    const code = systemCode(error);
    if (code !== undefined) return refusedBy(new BatonError(code, `${tool.name}: the system says ${code}.`, { cause: error }));
    if (error instanceof BatonError) return refusedBy(error);
    throw error;
  } finally {
    clearTimeout(limit);
    clearTimeout(stopping);
    place.signal.removeEventListener('abort', onAbort);
  }
};

const timedOut = (name: string, timeoutMs: number): BatonError =>
  new BatonError('TIMEOUT', `${name} was ended after its limit of ${timeoutMs} ms.`, { details: { timeoutMs } });

const refusedBy = (error: unknown): ToolResult => {
  const why = failureOf(error);
  return { ok: false, text: why.message, data: {}, failure: why };
};

/** Of an error of the system, such as `ENOSPC`. Its message has names that are no business of the caller. */
const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** The place as one call has it: everything ends with the call. */
const until = (place: ToolPlace, signal: AbortSignal): ToolPlace => ({
  ...place,
  exec: (command, options: ExecOptions) => place.exec(command, { ...options, signal }),
  signal,
});
