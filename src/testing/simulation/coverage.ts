/** How often everything occurred; a kind that never did fails a long simulation. */
import { FACTS } from '../../engine/kernel/facts.ts';
import { FAILURE_CLASSES } from '../../engine/kernel/plan.ts';
import { TASK_STATUSES } from '../../engine/kernel/state.ts';
import { transitions } from '../../engine/kernel/task.ts';

/** What the world does to the engine. */
const DISTURBANCES = [
  'crash between steps',
  'crash in recovery',
  'crash after commit',
  'crash before commit',
  'failed commit',
  'failed commit with another behind it',
  'commit under way',
  'crash with commits under way',
  'slow commit',
  'clock jump',
  'stalled owner wakes',
  'zombie performer',
  'deaf performer',
  'late result',
  'repeated result',
  'repeated command',
  'mismatched command',
  'stale plan change',
  'stale approval',
  'forged evidence',
] as const;
export class Coverage {
  readonly counts: Record<string, number> = {};

  add(name: string, times = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + times;
  }
  merge(other: Readonly<Record<string, number>>): void {
    for (const [name, times] of Object.entries(other)) this.add(name, times);
  }

  /** Everything that should occur and did not. */
  missing(): string[] {
    return expected().filter((name) => !this.counts[name]);
  }

  table(): string {
    return expected()
      .map((name) => `  ${String(this.counts[name] ?? 0).padStart(9)}  ${name}`)
      .join('\n');
  }
}

function expected(): string[] {
  return [
    ...Object.keys(FACTS).map((type) => `fact ${type}`),
    ...TASK_STATUSES.flatMap((from) => transitions[from].map((to) => `transition ${from} → ${to}`)),
    ...FAILURE_CLASSES.map((each) => `failure ${each}`),
    'verdict reused',
    ...DISTURBANCES.map((each) => `fault ${each}`),
    'call',
  ];
}
