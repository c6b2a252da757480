/** Plays random plans on the plainest host, and holds how everything ended against the model. */

import { Meddler } from './meddler.ts';
import { People } from './people.ts';
import { Performers } from './performers.ts';
import { Broken } from './plain-host.ts';
import { Stage, type StageOptions } from './stage.ts';

const GROUPS = 150;
const CLOSING_MAX = 5_000;

export interface Agreement {
  /** Plans that ended, each once for every segment. */
  readonly plans: number;
  readonly facts: number;
  readonly crashes: number;
}

/** @throws Broken when kernel and model differ, or either finds a broken rule */
export function agree(seed: number, options: StageOptions = {}): Agreement {
  const stage = new Stage(seed, options);
  const { random, host } = stage;
  const [people, performers, meddler] = [new People(stage), new Performers(stage), new Meddler(stage)];
  people.create();
  stage.commit();
  for (let i = 0; i < GROUPS; i++) {
    for (let n = 1 + random.below(3); n > 0; n--) {
      const dice = random.next();
      if (dice < 0.74) performers.act();
      else if (dice < 0.88) people.answer();
      else if (dice < 0.93) people.command();
      else if (dice < 0.95) people.repeat();
      else if (dice < 0.96) people.create();
      else if (dice < 0.97) performers.late();
      else if (dice < 0.99) meddler.act();
      else host.now += random.chance(0.8) ? random.below(2_000) : -random.below(5_000);
    }
    stage.commit();
    if (random.chance(0.04)) performers.crash();
  }
  stage.closing = true;
  for (let i = 0; stage.open().length > 0 || host.grants.requests.size > 0; i++) {
    if (i > CLOSING_MAX) throw new Broken(`never ends: ${stage.stuck()}`);
    performers.act();
    if (random.chance(0.3)) people.answer();
    stage.commit();
  }
  performers.crash();
  let plans = 0;
  for (const { segment } of stage.diaries.values()) plans += segment;
  return { plans, facts: host.facts, crashes: performers.crashes };
}

/** What differs between kernel and model, in words; undefined when they agree. */
export function disagreement(seed: number): string | undefined {
  try {
    agree(seed);
    return undefined;
  } catch (error) {
    if (error instanceof Broken) return error.message;
    throw error;
  }
}
