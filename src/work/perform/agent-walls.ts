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
import { costOf } from '../agents/prices.ts';
import type { Providers } from '../agents/providers.ts';
import type { Walls } from '../agents/walls.ts';
import { type Upstream, WIRES, type Wire } from '../metering/meter.ts';
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
    upstreams: await upstreamsOf(providers, agent),
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
      folder: INSIDE,
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

/** Providers without a key are left out: a request to them is refused by the meter, with their name. */
async function upstreamsOf(providers: Pick<Providers, 'reach'>, { config }: AgentConfig): Promise<Partial<Record<Wire, Upstream>>> {
  const upstreams: Partial<Record<Wire, Upstream>> = {};
  const read = codingConfigSchema.safeParse(config).data;
  // A model of another provider is asked for where that one answers.
  const named = read === undefined ? undefined : modelNeeds(read);
  for (const wire of WIRES) {
    const provider = named?.wire === wire ? named.provider : PROVIDERS[wire];
    const reached = await providers.reach(provider);
    if (reached) upstreams[wire] = { ...reached, provider };
  }
  return upstreams;
}
