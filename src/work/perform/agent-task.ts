/**
 * Tasks that an agent attempts: puts together what it is asked, lends it the services of the host, counts the result for
 * its breaker, and seals what it hands back.
 */

import { defined } from '../../defined.ts';
import type { AttemptContext } from '../../engine/host/host.ts';
import type { Outcome } from '../../engine/kernel/commands.ts';
import type { Adapters, AgentConfig, AgentOutcome, AgentServices, ChangeWay, Work } from '../agents/agent.ts';
import type { Breakers } from '../agents/breakers.ts';
import type { Providers } from '../agents/providers.ts';
import { feedbackIn } from '../gates/evidence.ts';
import type { Definition } from '../planning/definition.ts';
import type { Environment } from '../policy/environment.ts';
import { AttemptError } from '../processes/failure.ts';
import { acknowledging } from './acknowledging.ts';
import { openAgentWalls } from './agent-walls.ts';
import { withChange } from './change.ts';
import { putContent } from './content.ts';
import { plainText } from './definitions.ts';
import { RedactedLog } from './log.ts';
import { failed, failedBy, succeeded } from './outcome.ts';
import { beforePatch, openPatching } from './patching.ts';
import { goesOn, openPlace, type Place } from './place.ts';
import { seal } from './seal.ts';
import { environmentOf, type Home, type Whose } from './surroundings.ts';
import { openToolPlace } from './tool-place.ts';
import type { Watch } from './watch-workspace.ts';

export type AgentDefinition = Extract<Definition, { kind: 'agent' }>;

export interface AgentStaff {
  readonly adapters: Adapters;
  readonly breakers: Pick<Breakers, 'admit' | 'begin'>;
  /** Where the requests of coding agents go. */
  readonly providers: Pick<Providers, 'reach'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Asks for output of the right shape, the first included. */
export const ASKS_MAX = 3;

/** What the breaker of an agent is kept for: what it was chosen for, as far as its configuration tells. */
export const capabilityOf = ({ capabilities }: AgentConfig): string => (capabilities.length === 1 ? (capabilities[0] ?? '') : '');

export const performAgent = async (
  home: Home,
  staff: AgentStaff,
  definition: AgentDefinition,
  context: AttemptContext,
): Promise<Outcome> => {
  const { agent } = definition;
  const ticket = staff.breakers.begin(agent.name, capabilityOf(agent), staff.now());
  let outcome: Outcome | undefined;
  try {
    const { base, signal } = context;
    // A secret that is missing is found before anything is made.
    const env = await environmentOf(home, whoseOf(context), definition.env);
    const way = staff.adapters[agent.kind].changes(agent);
    const place = await openPlace(home, whoseOf(context), {
      definition,
      ...defined({ tree: base }),
      // Recorded calls of tools are not made again: what they did is in the folder.
      goesOn: goesOn(context) || (usesTools(agent) && way === 'itself' && context.recorded.size > 0),
      ...defined({ putBack: beforePatch(context) }),
      walled: choosesCommands(agent, context),
      signal,
    });
    try {
      outcome = await withChange(place, context, (watch) => attemptIn(place, way, home, staff, definition, env, context, watch));
    } finally {
      await place.close();
    }
  } catch (error) {
    outcome = failedBy(error, { ...home, blobs: context.blobs });
  } finally {
    ticket.end(outcome?.ok === false ? outcome.failure.class : undefined, staff.now());
  }
  return outcome;
};

const usesTools = ({ kind, config }: Pick<AgentConfig, 'kind' | 'config'>): boolean => kind === 'model' && config['tools'] !== undefined;

/** Coding agents and models with tools run what they like; a program of the user's runs what is in its tree. */
const choosesCommands = ({ kind, config }: AgentConfig, context: AttemptContext): boolean =>
  kind === 'acp' ||
  usesTools({ kind, config }) ||
  (kind === 'command' && context.spec.tree === true && context.state().tree?.touched === true);

const whoseOf = ({ run, spec, attempt }: AttemptContext): Whose => ({ run, task: spec.id, attempt });

const attemptIn = async (
  place: Place,
  way: ChangeWay,
  home: Home,
  staff: AgentStaff,
  definition: AgentDefinition,
  env: Environment,
  context: AttemptContext,
  watch: Watch,
): Promise<Outcome> => {
  const { agent } = definition;
  const log = new RedactedLog(home.secrets, (chunk, kind) => context.log(chunk, kind));
  const { services, took } = acknowledging(servicesOf(home, context, AbortSignal.any([context.signal, watch.signal]), log, watch), context);
  const walled = agent.kind === 'acp' ? await openAgentWalls(home, staff.providers, agent, place, context, services) : undefined;
  try {
    const user = { ...whoseOf(context), agent: agent.name, env, network: definition.network ?? [] };
    const tools = usesTools(agent)
      ? { tools: { place: await openToolPlace(home, place, user, toolContext(context, services.signal), watch) } }
      : {};
    const patching = await openPatching(place, way, agent, context, services);
    const work = { ...workOf(place, definition, env, context), ...tools, ...defined({ patching }) };
    const ended = await staff.adapters[agent.kind].attempt(walled ? { ...work, walls: walled.walls } : work, services);
    if (ended.ok) await took();
    return watch.signal.aborted ? stopped(home, watch.signal, context) : await sealed(home, ended, place, context);
  } finally {
    await walled?.close();
    log.end();
  }
};

const toolContext = (context: AttemptContext, signal: AbortSignal): Parameters<typeof openToolPlace>[3] => ({
  blobs: context.blobs,
  signal,
  log: (chunk, kind) => context.log(chunk, kind),
});

/** Over its quota: what is there stays, and a person is asked when it can't be merged. Otherwise the machine was in the way. */
const stopped = (home: Home, { reason }: AbortSignal, { blobs }: AttemptContext): Outcome => {
  if (reason instanceof AttemptError) return failedBy(reason, { ...home, blobs });
  const summary = reason instanceof Error ? reason.message : 'The workspace is over its quota.';
  return { ok: true, result: putContent({ summary, outputs: {}, artifacts: [], evidence: [], questions: [] }, blobs) };
};

const sealed = async (home: Home, ended: AgentOutcome, { real }: Place, { blobs }: AttemptContext): Promise<Outcome> => {
  const store = { blobs, secrets: home.secrets };
  const outcome = ended.ok ? succeeded(await seal(ended.result, real), store) : failed(ended, store);
  return { ...outcome, ...defined({ usage: ended.usage }) };
};

export const workOf = (place: Place, definition: AgentDefinition, env: Environment, context: AttemptContext): Work => {
  const { attemptKey, effectKey, feedback, blobs } = context;
  const whose = whoseOf(context);
  return {
    ...whose,
    attemptKey,
    effectKey,
    agent: definition.agent,
    prompt: plainText(definition.prompt),
    ...defined({ schema: definition.schema }),
    inputs: definition.inputs ?? {},
    feedback: feedback.map((hash) => feedbackIn(blobs.get(hash) ?? gone(hash))),
    acknowledged: context.acknowledged,
    goesOn: goesOn(context),
    folder: place.folder,
    files: { task: place.exchange.task, handoff: place.exchange.handoff },
    place,
    env,
    asksMax: definition.asksMax ?? ASKS_MAX,
  };
};

const gone = (hash: string): never => {
  throw new AttemptError('permanent', 'PAYLOAD_MISSING', `What a check said of this task (${hash.slice(0, 12)}) was removed.`, {
    dispatched: false,
  });
};

export const servicesOf = (
  home: Home,
  context: AttemptContext,
  signal: AbortSignal,
  log: RedactedLog,
  watch?: Pick<Watch, 'ran'>,
): AgentServices => ({
  signal,
  log: (chunk, kind = 'text') => log.write(chunk, kind),
  ran: () => void watch?.ran(),
  onMessage: (handler) => context.onMessage(handler),
  ask: (about, rule) => context.ask(context.blobs.put(JSON.stringify(home.secrets.redactor().value(about))), rule),
  async step(key, reserve, perform) {
    const stored = await context.step(key, reserve, async () => {
      const { output, usage } = await perform();
      return { output: home.secrets.redactor().text(output), ...defined({ usage }) };
    });
    return Buffer.from(stored).toString('utf8');
  },
});
