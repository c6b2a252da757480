/** One plan, looked at from all sides: mended, routed, held against what it may cost. What makes it unfit is told with a code. */
import type { Draft, Finding, Repair } from './draft.ts';
import { Notes } from './notes.ts';
import { readDraft } from './read-draft.ts';
import { mend } from './repair.ts';
import { estimate } from './route/estimate.ts';
import { type Solved, solve } from './route/route.ts';
import type { Situation } from './situation.ts';

export type Judged =
  | {
      readonly ok: true;
      readonly draft: Draft;
      readonly repairs: readonly Repair[];
      /** Notes only. */
      readonly findings: readonly Finding[];
      readonly routed: Solved;
    }
  | { readonly ok: false; readonly findings: readonly Finding[]; readonly repairs: readonly Repair[] };

/** A plan out of what a planner said. */
export function judgeSaid(said: string, situation: Situation): Judged {
  const read = readDraft(said, situation);
  return read.ok ? judge(read.draft, situation, read.repairs) : read;
}

export function judge(draft: Draft, situation: Situation, earlier: readonly Repair[] = []): Judged {
  const notes = new Notes();
  const mended = mend(draft, situation, notes);
  const repairs = [...earlier, ...notes.repairs];
  const routed = solve(mended.draft.tasks, situation.agents, situation.routing);
  const { budgetUsd, limits, depth } = situation;
  const expected = estimate(routed, { tasks: limits.tasks, ...(budgetUsd === undefined ? {} : { costUsd: budgetUsd }) }, depth);
  const findings = unique([...mended.findings, ...routed.routing.findings, ...expected.findings]);
  if (findings.some(({ level }) => level === 'refuse')) return { ok: false, findings, repairs };
  return { ok: true, draft: mended.draft, repairs, findings, routed };
}

/** Two looks may tell the same. */
function unique(findings: readonly Finding[]): Finding[] {
  const keys = new Set<string>();
  return findings.filter(({ code, tasks }) => {
    const key = JSON.stringify([code, tasks]);
    return !keys.has(key) && keys.add(key);
  });
}
