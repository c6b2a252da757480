/** What is expected of an agent for one task: what outcomes say, else what it declares, else what its kind usually does. */
import type { AgentFigures, AgentKind } from '../../agents/agent.ts';
import type { Learned, RouteAgent, Spread } from './routing.ts';

export type Source = 'outcomes' | 'declared' | 'assumed';

/** Size of a task that does not say. */
export const SIZE_DEFAULT = 2;
/** How much longer and dearer the sizes from 1 to 5 are than size 2. */
export const SIZE_FACTORS: readonly number[] = [0.3, 1, 3, 8, 20];
/** Chance of success of whoever has no outcomes. */
export const SUCCESS_ASSUMED = 0.8;
/** Of those who declare nothing, for a task of size 2. */
const ASSUMED: Readonly<Record<AgentKind, Required<Record<keyof AgentFigures, number>>>> = {
  model: { quality: 0.6, costUsd: 0.02, latencyMs: 30_000 },
  acp: { quality: 0.7, costUsd: 0.3, latencyMs: 300_000 },
  command: { quality: 0.5, costUsd: 0, latencyMs: 30_000 },
  human: { quality: 0.9, costUsd: 0, latencyMs: 3_600_000 },
  scripted: { quality: 0.5, costUsd: 0, latencyMs: 1_000 },
};

export interface Expected {
  readonly quality: number;
  readonly success: number;
  readonly cost: Spread;
  readonly latency: Spread;
  readonly from: { readonly quality: Source; readonly success: Source; readonly cost: Source; readonly latency: Source };
}

export const sizeOf = ({ size = SIZE_DEFAULT }: { readonly size?: number }): number => Math.min(5, Math.max(1, Math.round(size)));

export function expectedOf({ kind, figures = {} }: RouteAgent, size: number, learned: Learned | undefined): Expected {
  const assumed = ASSUMED[kind];
  const money = learned?.costUsd ?? spread(bySize(figures.costUsd ?? assumed.costUsd, size));
  const time = learned?.latencyMs ?? spread(bySize(figures.latencyMs ?? assumed.latencyMs, size));
  const declared = (value: unknown): Source => (value === undefined ? 'assumed' : 'declared');
  return {
    quality: figures.quality ?? assumed.quality,
    success: learned?.success ?? SUCCESS_ASSUMED,
    cost: money,
    latency: time,
    from: {
      quality: declared(figures.quality),
      success: learned ? 'outcomes' : 'assumed',
      cost: learned?.costUsd ? 'outcomes' : declared(figures.costUsd),
      latency: learned?.latencyMs ? 'outcomes' : declared(figures.latencyMs),
    },
  };
}

const bySize = (figure: number | readonly number[], size: number): number =>
  typeof figure === 'number' ? figure * (SIZE_FACTORS[size - 1] ?? 1) : (figure[size - 1] ?? 0);
const spread = (value: number): Spread => ({ low: value, mean: value, high: value });
