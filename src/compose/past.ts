/**
 * What routing would have done with the past of a home, by the agents and rules of a project as they are now. The past is
 * read from the journal when somebody asks, a page at a time, and nothing of it is kept.
 */
import { setImmediate } from 'node:timers/promises';
import type { Journal } from '../engine/journal/journal.ts';
import type { AgentReplay } from '../interfaces/api/shapes.ts';
import { OutcomeFollower } from '../work/planning/outcomes/follow.ts';
import type { Outcome } from '../work/planning/outcomes/outcomes.ts';
import { Replaying } from '../work/planning/outcomes/replay.ts';
import type { Settings } from '../work/workflow/settings.ts';
import { askedIn } from './asked.ts';
import { rulesOf } from './routing.ts';

/** Outcomes that are replayed: the latest. Those before them only teach. */
const REPLAYED_MAX = 5_000;
const PAGE = 1_000;
/** Routed in one go; then others are served. */
const ROUTED_AT_ONCE = 100;

export interface PastParts {
  readonly journal: Pick<Journal, 'readAll' | 'position' | 'get'>;
  readonly settings: Pick<Settings, 'routing' | 'agents'>;
  readonly replayedMax?: number;
}

/**
 * Breakers and limits count for nothing here: they are of now, and of whole plans. A rule sees what an outcome knows of its
 * task, the capability and the size. @throws BatonError `ROUTING_RULES`
 */
export async function replayPast({ journal, settings, replayedMax = REPLAYED_MAX }: PastParts): Promise<AgentReplay> {
  const { weights, learn } = settings.routing;
  const replaying = new Replaying(settings.agents, { weights, rules: rulesOf(settings) });
  const latest: Outcome[] = [];
  let earlier = 0;
  for await (const outcome of outcomesIn(journal)) {
    latest.push(outcome);
    // Up to twice as many are held, so that they are moved seldom.
    if (latest.length < 2 * replayedMax) continue;
    for (const each of latest.splice(0, replayedMax)) replaying.teach(each);
    earlier += replayedMax;
  }
  const over = latest.splice(0, Math.max(0, latest.length - replayedMax));
  for (const each of over) replaying.teach(each);
  for (const [i, outcome] of latest.entries()) {
    replaying.add(outcome);
    if (i % ROUTED_AT_ONCE === 0) await setImmediate();
  }
  return { ...replaying.result(), earlier: earlier + over.length, learn };
}

/** In the order of the journal, up to its end as it is now. */
async function* outcomesIn(journal: PastParts['journal']): AsyncGenerator<Outcome> {
  const follower = new OutcomeFollower(askedIn(journal));
  const end = journal.position();
  for (let position = 0; position < end; ) {
    const before = position;
    for (const read of [...journal.readAll(position, PAGE)]) {
      position = read.position;
      const outcome = follower.follow(read.stored);
      if (outcome) yield outcome;
    }
    // Nothing is left where the end was removed.
    if (position === before) return;
    await setImmediate();
  }
}
