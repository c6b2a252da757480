/**
 * What a coding agent is given: walls around its process, a state folder of its own that stays from one attempt to the
 * next, and the meter inside the walls, which it takes for its provider. The real keys stay out here.
 */
import { randomBytes } from 'node:crypto';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptContext } from '../../engine/host/host.ts';
import type { AgentConfig, AgentServices } from '../agents/agent.ts';
import { codingConfigSchema } from '../agents/coding/config.ts';
import { modelNeeds } from '../agents/coding/needs.ts';
import { readConfig } from '../agents/config.ts';
import { costOf } from '../agents/prices.ts';
import type { Providers } from '../agents/providers.ts';
import type { Walls } from '../agents/walls.ts';
import { type Upstream, WIRES, type Wire } from '../metering/meter.ts';
import { AttemptError } from '../processes/failure.ts';
import { INSIDE } from '../sandbox/sandbox.ts';
import type { Place } from './place.ts';
import type { Home } from './surroundings.ts';
import { socketIn } from './way-out.ts';

/** Port of the meter inside. */
const METER_PORT = 4100;
/** Reserved for an answer of a request that names no maximum. */
const OUTPUT_TOKENS = 16_384;

const PROVIDERS: Readonly<Record<Wire, string>> = { openai: 'openai', anthropic: 'anthropic', gemini: 'google' };

export async function openAgentWalls(
  home: Home,
  providers: Pick<Providers, 'reach'>,
  agent: AgentConfig,
  place: Place,
  context: AttemptContext,
  services: AgentServices,
): Promise<{ readonly walls: Walls; close(): Promise<void> } | undefined> {
  const { walls } = place;
  if (!walls) return undefined;
  const upstreams = await upstreamsOf(providers, agent);
  const { openMeter } = await import('../metering/open-meter.ts');
  const { owner } = walls.sandbox;
  const state = join(place.exchange.folder, '..', 'agent');
  await mkdir(state, { recursive: true });
  if (owner) await chown(state, owner.uid, owner.gid);
  const socket = socketIn(home.folders.sockets);
  const token = `baton-${randomBytes(24).toString('hex')}`;
  const exhausted = new AbortController();
  const meter = await openMeter({
    socket,
    ...(owner ? { owner } : {}),
    upstreams,
    token,
    step: services.step,
    keyPrefix: `wire-${context.attempt}`,
    outputTokensDefault: OUTPUT_TOKENS,
    signal: services.signal,
    onExhausted: (error) => exhausted.abort(error),
    price: (counted, model, provider) =>
      costOf(
        {
          inputTokens: counted.input,
          outputTokens: counted.output,
          cacheReadTokens: counted.cacheRead,
          cacheWriteTokens: counted.cacheWrite,
        },
        model,
        provider,
      ),
    log: (text) => services.log(`${text}\n`, 'note'),
  });
  const base = `http://127.0.0.1:${METER_PORT}`;
  return {
    walls: {
      folder: place.inside,
      workspace: INSIDE,
      state,
      ...(owner ? { owner } : {}),
      wrap: (request) => walls.wrap({ ...request, relays: [{ port: METER_PORT, socket }] }),
      models: {
        openai: base + meter.paths.openai,
        anthropic: base + meter.paths.anthropic,
        gemini: base + meter.paths.gemini,
        token,
        quietMs: () => meter.quietMs(),
        total: () => meter.total(),
        failing: () => meter.failing(),
        exhausted: exhausted.signal,
      },
    },
    close: () => meter.close(),
  };
}

/**
 * Providers without a key are left out: a request to them is refused by the meter, with their name.
 * @throws AttemptError `KEY_MISSING` when that is the one the agent is here for.
 */
async function upstreamsOf(providers: Pick<Providers, 'reach'>, agent: AgentConfig): Promise<Partial<Record<Wire, Upstream>>> {
  const upstreams: Partial<Record<Wire, Upstream>> = {};
  const needs = modelNeeds(readConfig(codingConfigSchema, agent));
  for (const wire of WIRES) {
    // A model of another provider is asked for where that one answers.
    const provider = needs.wire === wire ? needs.provider : PROVIDERS[wire];
    const reached = await providers.reach(provider);
    if (reached) upstreams[wire] = { ...reached, provider };
  }
  if (upstreams[needs.wire] !== undefined) return upstreams;
  throw new AttemptError(
    'permanent',
    'KEY_MISSING',
    `The agent "${agent.name}" asks models of ${needs.provider}, and no key of theirs is set.`,
    {
      hint: `Set it in the environment Baton is started from, or name another provider by \`model\`.`,
      dispatched: false,
    },
  );
}
