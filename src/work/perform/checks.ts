/** Gates of a result, and probes for an attempt that was lost: commands of the task that Baton runs itself. */
import { writeFile } from 'node:fs/promises';
import { defined } from '../../defined.ts';
import type { AttemptContext, Handlers } from '../../engine/host/host.ts';
import type { OwedOf } from '../../engine/kernel/owed.ts';
import type { Commit } from '../../engine/kernel/plan.ts';
import { judgeByCommand } from '../gates/command-gate.ts';
import type { Evidence } from '../gates/evidence.ts';
import { RESULT_VARIABLE, restingOn, seesResult } from '../gates/reuse.ts';
import type { Definition, GateDefinition } from '../planning/definition.ts';
import { failure, failureOf } from '../processes/failure.ts';
import { type Command, runProcess } from '../processes/process.ts';
import { commandContent, putContent } from './content.ts';
import type { Definitions } from './definitions.ts';
import { checkOf, givenTo, isWalled } from './given.ts';
import { openPlace, type Place } from './place.ts';
import { environmentOf, type Home, type Whose } from './surroundings.ts';
import { isTrouble, tried } from './trouble.ts';

type CheckContext = Pick<AttemptContext, 'run' | 'spec' | 'inputs' | 'signal' | 'blobs' | 'state'>;

/** Limit of a probe that names none. */
const PROBE_TIMEOUT_MS = 5 * 60_000;

export const performGate = async (
  home: Home,
  definitions: Definitions,
  owed: OwedOf<'gate'>,
  context: CheckContext,
): ReturnType<Handlers['gate']> => {
  const { blobs, run, signal } = context;
  try {
    const definition = definitions.read(context.inputs, blobs);
    const gate = definition.gates?.[owed.gate];
    if (gate === undefined) throw new Error(`The definition of "${owed.task}" has no gate ${owed.gate}.`);
    const whose = { run, task: owed.task, attempt: owed.attempt };
    const given = await tried(() => givenTo(home, whose, definition, gate, owed, context));
    const about = defined({ name: gate.name, result: owed.result, tree: owed.tree, given });
    const before = given === undefined ? undefined : restingOn(context.state(), { ...about, given }, blobs);
    if (before) return before;
    const place = await placeOfCheck(home, whose, definition, context, owed.tree, `gate-${owed.gate}`);
    try {
      await writeFile(place.exchange.result, blobs.get(owed.result) ?? '{}');
      const own = owed.tree === undefined || seesResult(checkOf(gate)) ? { [RESULT_VARIABLE]: place.files.result } : {};
      return await judgeByCommand({ ...(await commandOf(home, whose, place, gate, signal, own)), ...about }, blobs);
    } finally {
      await place.close();
    }
  } catch (error) {
    if (owed.tree !== undefined && isTrouble(error)) return { stalled: failureOf(error) };
    const { class: failureClass, code, message } = failureOf(error);
    const evidence: Evidence = {
      version: 1,
      gate: owed.id,
      result: owed.result,
      failure: failure(failureClass, code, home.secrets.redactor().text(message)),
    };
    return { verdict: 'error', evidence: blobs.put(JSON.stringify(evidence)) };
  }
};

/** A check never works where the work was done: over a repository it has a clean checkout of what it judges. */
const placeOfCheck = (
  home: Home,
  whose: Whose,
  definition: Definition,
  context: CheckContext,
  tree: Commit | undefined,
  apart: string,
): Promise<Place> =>
  openPlace(home, whose, {
    definition,
    ...defined({ tree }),
    goesOn: true,
    apart,
    walled: isWalled(definition, tree, context),
    signal: context.signal,
  });

/** Exit code 0: it happened, and what was printed is the result. 1: it did not. Anything else, and any trouble: unknown. */
export const performProbe = async (
  home: Home,
  definitions: Definitions,
  owed: OwedOf<'probe'>,
  context: CheckContext,
): ReturnType<Handlers['probe']> => {
  const { blobs } = context;
  try {
    const definition = definitions.read(context.inputs, blobs);
    if (definition.probe === undefined) return { verdict: 'unknown' };
    const whose = { run: context.run, task: owed.task, attempt: owed.attempt };
    const tree = context.spec.tree ? context.state().tasks.get(owed.task)?.base : undefined;
    const place = await placeOfCheck(home, whose, definition, context, tree, 'probe');
    const probe = { timeoutMs: PROBE_TIMEOUT_MS, ...definition.probe };
    const ended = await commandOf(home, whose, place, probe, context.signal)
      .then(runProcess)
      .finally(() => place.close());
    if (ended.failure !== undefined) return { verdict: ended.exitCode === 1 ? 'absent' : 'unknown' };
    return { verdict: 'happened', result: putContent(home.secrets.redactor().value(commandContent(ended, blobs)), blobs) };
  } catch {
    return { verdict: 'unknown' };
  }
};

const commandOf = async (
  home: Home,
  whose: Whose,
  place: Place,
  { run, env, timeoutMs }: Pick<GateDefinition, 'run' | 'env' | 'timeoutMs'>,
  signal: AbortSignal,
  own: Readonly<Record<string, string>> = {},
): Promise<Command> =>
  place.command({
    run,
    env: await environmentOf(home, whose, env, own),
    signal,
    redactor: home.secrets.redactor(),
    ...defined({ timeoutMs }),
  });
