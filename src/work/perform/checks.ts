/** Gates of a result, and probes for an attempt that was lost: commands of the task that Baton runs itself. */
import { writeFile } from 'node:fs/promises';
import type { AttemptContext, Handlers } from '../../engine/host/host.ts';
import type { OwedOf } from '../../engine/kernel/owed.ts';
import { judgeByCommand } from '../gates/command-gate.ts';
import type { Evidence } from '../gates/evidence.ts';
import type { Definition, GateDefinition } from '../planning/definition.ts';
import { defined } from '../processes/defined.ts';
import { failure, failureOf } from '../processes/failure.ts';
import { type Command, runProcess } from '../processes/process.ts';
import { commandContent, putContent } from './content.ts';
import type { Definitions } from './definitions.ts';
import { openFolder } from './folders.ts';
import { environmentOf, folderOf, type Home, placeOf, type Whose } from './surroundings.ts';

type CheckContext = Pick<AttemptContext, 'run' | 'inputs' | 'signal' | 'blobs'>;

/** Limit of a probe that names none. */
const PROBE_TIMEOUT_MS = 5 * 60_000;

export const performGate = async (
  home: Home,
  definitions: Definitions,
  owed: OwedOf<'gate'>,
  context: CheckContext,
): ReturnType<Handlers['gate']> => {
  const { blobs } = context;
  try {
    const definition = definitions.read(context.inputs, blobs);
    const gate = definition.gates?.[owed.gate];
    if (gate === undefined) throw new Error(`The definition of "${owed.task}" has no gate ${owed.gate}.`);
    const whose = { run: context.run, task: owed.task, attempt: owed.attempt };
    const { result } = folderOf(home, whose);
    const command = await commandOf(home, whose, definition, gate, context.signal, { BATON_RESULT: result });
    await writeFile(result, blobs.get(owed.result) ?? '{}');
    return await judgeByCommand({ ...command, name: gate.name, result: owed.result }, blobs);
  } catch (error) {
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
    const command = await commandOf(home, whose, definition, { timeoutMs: PROBE_TIMEOUT_MS, ...definition.probe }, context.signal);
    const ended = await runProcess(command);
    if (ended.failure !== undefined) return { verdict: ended.exitCode === 1 ? 'absent' : 'unknown' };
    return { verdict: 'happened', result: putContent(home.secrets.redactor().value(commandContent(ended, blobs)), blobs) };
  } catch {
    return { verdict: 'unknown' };
  }
};

const commandOf = async (
  home: Home,
  whose: Whose,
  definition: Definition,
  { run, env, timeoutMs }: Pick<GateDefinition, 'run' | 'env' | 'timeoutMs'>,
  signal: AbortSignal,
  own: Readonly<Record<string, string>> = {},
): Promise<Command> => {
  const folder = folderOf(home, whose);
  const environment = await environmentOf(home, whose, env, own);
  await openFolder(folder, { attempt: whose.attempt, goesOn: true });
  return {
    run,
    cwd: placeOf(home, definition, folder, whose.run),
    env: environment,
    signal,
    redactor: home.secrets.redactor(),
    ...defined({ timeoutMs }),
  };
};
