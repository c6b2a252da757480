/**
 * Tasks that an agent attempts: puts together what it is asked, lends it the services of the host, counts the result for
 * its breaker, and seals what it hands back.
 */
import type { AttemptContext } from '../../engine/host/host.ts';
import type { Outcome } from '../../engine/kernel/commands.ts';
import type { Adapters, AgentConfig, AgentOutcome, AgentServices, Work } from '../agents/agent.ts';
import type { Breakers } from '../agents/breakers.ts';
import { feedbackIn } from '../gates/evidence.ts';
import type { Definition } from '../planning/definition.ts';
import { defined } from '../processes/defined.ts';
import { AttemptError } from '../processes/failure.ts';
import { plainText } from './definitions.ts';
import { openFolder } from './folders.ts';
import { RedactedLog } from './log.ts';
import { failed, failedBy, succeeded } from './outcome.ts';
import { seal } from './seal.ts';
import { environmentOf, folderOf, type Home } from './surroundings.ts';

export type AgentDefinition = Extract<Definition, { kind: 'agent' }>;

export interface AgentStaff {
  readonly adapters: Adapters;
  readonly breakers: Pick<Breakers, 'admit' | 'begin'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Asks for output of the right shape, the first included. */
const ASKS_MAX = 3;

/** What the breaker of an agent is kept for: what it was chosen for, as far as its configuration tells. */
export const capabilityOf = ({ capabilities }: AgentConfig): string => (capabilities.length === 1 ? (capabilities[0] ?? '') : '');

export const performAgent = async (
  home: Home,
  staff: AgentStaff,
  definition: AgentDefinition,
  context: AttemptContext,
): Promise<Outcome> => {
  const { agent } = definition;
  const log = new RedactedLog(home.secrets, (chunk, kind) => context.log(chunk, kind));
  const ticket = staff.breakers.begin(agent.name, capabilityOf(agent), staff.now());
  let outcome: Outcome | undefined;
  try {
    const work = await workOf(home, definition, context);
    outcome = await sealed(home, await staff.adapters[agent.kind].attempt(work, servicesOf(home, context, log)), work, context);
  } catch (error) {
    outcome = failedBy(error, { ...home, blobs: context.blobs });
  } finally {
    log.end();
    ticket.end(outcome?.ok === false ? outcome.failure.class : undefined, staff.now());
  }
  return outcome;
};

const sealed = async (home: Home, ended: AgentOutcome, work: Work, { blobs }: AttemptContext): Promise<Outcome> => {
  const store = { blobs, secrets: home.secrets };
  const outcome = ended.ok ? succeeded(await seal(ended.result, work.folder), store) : failed(ended, store);
  return { ...outcome, ...defined({ usage: ended.usage }) };
};

const workOf = async (home: Home, definition: AgentDefinition, context: AttemptContext): Promise<Work> => {
  const { run, spec, attempt, attemptKey, effectKey, feedback, blobs } = context;
  const whose = { run, task: spec.id, attempt };
  const folder = folderOf(home, whose);
  const env = await environmentOf(home, whose, definition.env);
  await openFolder(folder, { attempt, goesOn: feedback.length > 0 });
  return {
    ...whose,
    attemptKey,
    effectKey,
    agent: definition.agent,
    prompt: plainText(definition.prompt),
    ...defined({ schema: definition.schema }),
    inputs: definition.inputs ?? {},
    feedback: feedback.map((hash) => feedbackIn(blobs.get(hash) ?? gone(hash))),
    folder: folder.work,
    files: { task: folder.task, handoff: folder.handoff },
    env,
    asksMax: definition.asksMax ?? ASKS_MAX,
  };
};

const gone = (hash: string): never => {
  throw new AttemptError('permanent', 'PAYLOAD_MISSING', `What a check said of this task (${hash.slice(0, 12)}) was removed.`, {
    dispatched: false,
  });
};

const servicesOf = (home: Home, context: AttemptContext, log: RedactedLog): AgentServices => ({
  signal: context.signal,
  log: (chunk, kind = 'text') => log.write(chunk, kind),
  onMessage: (handler) => context.onMessage(handler),
  async step(key, reserve, perform) {
    const stored = await context.step(key, reserve, async () => {
      const { output, usage } = await perform();
      return { output: home.secrets.redactor().text(output), ...defined({ usage }) };
    });
    return Buffer.from(stored).toString('utf8');
  },
});
