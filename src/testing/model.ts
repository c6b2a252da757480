/**
 * The rules of Baton, stated another way: not as a machine that goes from state to state, but as equations over a
 * finished story: the plan, and what the world and its people did. It says what may have run, in what order, how often,
 * and how everything must have ended. It shares no code with the kernel, only the words of a plan, so that the two can
 * be held against each other.
 */
import type { ApprovalRule, FailureClass, Principal, TaskSpec } from '../engine/kernel/plan.ts';

/** How an attempt failed. `excused`: its run was out of budget. */
interface Failing {
  readonly class: FailureClass;
  readonly dispatched: boolean;
  readonly excused: boolean;
  readonly retryAfterMs?: number;
}
/** What became of one attempt as the world saw it, and what was then found or said about it. Times in milliseconds. */
export interface Happening {
  readonly end: 'brings' | 'lost' | Failing;
  readonly began: number;
  readonly ended: number;
  readonly gates: readonly ('pass' | 'fail' | 'error')[];
  readonly probe?: 'happened' | 'absent' | 'unknown';
  readonly ruling?: 'retry' | 'committed' | 'fail';
}
/** Something said about an approval; whether it counted is for the rules to say. */
export type Voice =
  | { readonly by: Principal; readonly says: 'approve' | 'reject' | 'send back'; readonly stale: boolean }
  | { readonly by: 'time' };
/** `barred`: skipped because of the end of a need; this passes on, other than being skipped by its own `when`. */
export type Ending = 'committed' | 'failed' | 'skipped' | 'barred' | 'cancelled';
/** In the order in which they became durable. */
export interface Moment {
  readonly what: 'begins' | 'ends' | 'pause' | 'resume' | 'cancel';
  readonly task: string;
}

export interface Story {
  readonly plan: readonly TaskSpec[];
  readonly author: Principal;
  readonly planRule?: ApprovalRule;
  /** Attempts by task. */
  readonly happenings: ReadonlyMap<string, readonly Happening[]>;
  /** What resolving a task gave, where it was no plain value. */
  readonly resolved: ReadonlyMap<string, 'skip' | 'fail'>;
  /** By `plan`, `start TASK`, `task TASK`, `result TASK ATTEMPT`. */
  readonly voices: ReadonlyMap<string, readonly Voice[]>;
  /** Tasks that were over when the run was cancelled, if it was. */
  readonly overBefore?: ReadonlySet<string>;
  /** How tasks ended in an earlier segment. */
  readonly earlier: ReadonlyMap<string, Ending>;
  readonly moments: readonly Moment[];
}
export interface Verdict {
  readonly tasks: ReadonlyMap<string, Ending>;
  readonly run: 'succeeded' | 'failed' | 'cancelled';
  /** The first rule that the story breaks, in words. */
  readonly broken?: string;
}

export function judge(story: Story): Verdict {
  const plan = new Map(story.plan.map((spec) => [spec.id, spec]));
  const tasks = new Map<string, Ending>(story.earlier);
  const refused = story.planRule !== undefined && heard(story.planRule, story, 'plan') !== 'granted';
  const cut = (id: string) => refused || (story.overBefore?.has(id) === false && !runsAnyway(id, plan));
  const bars = (id: string) =>
    ['cancelled', 'barred'].includes(ending(id)) || (ending(id) === 'failed' && plan.get(id)?.continueOnError !== true);

  function ending(id: string): Ending {
    const known = tasks.get(id);
    if (known) return known;
    const spec = plan.get(id);
    let found: Ending = 'cancelled';
    if (spec && !cut(id)) found = !runsAnyway(id, plan) && spec.needs.filter(bars).length > 0 ? 'barred' : own(spec);
    tasks.set(id, found);
    return found;
  }

  /** How a task goes that nobody keeps from it. */
  function own(spec: TaskSpec): Ending {
    const { id, kind } = spec;
    const resolved = story.resolved.get(id);
    if (resolved && kind !== 'container') return resolved === 'skip' ? 'skipped' : 'failed';
    if (spec.approval?.at === 'start' && heard(spec.approval, story, `start ${id}`) !== 'granted') return 'failed';
    if (resolved) return resolved === 'skip' ? 'skipped' : 'failed';
    if (kind === 'question') return 'committed';
    if (kind === 'decision') return heard(spec.approval, story, `task ${id}`) === 'granted' ? 'committed' : 'failed';
    if (kind === 'container') {
      const bad = story.plan.filter((each) => each.parent === id && ['failed', 'cancelled'].includes(ending(each.id)));
      return bad.length > 0 && !spec.continueOnError ? 'failed' : 'committed';
    }
    const past = story.happenings.get(id) ?? [];
    const last = sequel(spec, past, story);
    return last === 'committed' ? 'committed' : 'failed';
  }

  for (const { id } of story.plan) ending(id);
  const failed = story.plan.filter(({ id, parent, continueOnError }) => !parent && !continueOnError && tasks.get(id) === 'failed');
  const broken = wrongOften(story, tasks) ?? outOfOrder(story, plan);
  return {
    tasks,
    run: refused || story.overBefore ? 'cancelled' : failed.length > 0 ? 'failed' : 'succeeded',
    ...(broken === undefined ? {} : { broken }),
  };
}

/** It, or something around it, runs in every case. */
function runsAnyway(id: string, plan: ReadonlyMap<string, TaskSpec>): boolean {
  const spec = plan.get(id);
  return spec?.always === true || (spec?.parent !== undefined && runsAnyway(spec.parent, plan));
}

const LOST: readonly string[] = [];
const HOUR_MS = 3_600_000;
/** Failures that may pass: attempts in all, and the first and the longest wait before the next. */
const PASSING: Partial<Record<FailureClass, { readonly attempts: number; readonly first: number; readonly longest: number }>> = {
  transient: { attempts: 3, first: 1_000, longest: 60_000 },
  throttled: { attempts: 5, first: 2_000, longest: 120_000 },
  timeout: { attempts: 2, first: 1_000, longest: 60_000 },
};

/** What follows the last of these attempts. */
function sequel(spec: TaskSpec, past: readonly Happening[], story: Story): 'again' | 'committed' | 'failed' | 'open' {
  const last = past.at(-1);
  if (!last) return 'open';
  const { id, idempotent, onLost, probe, gates = [] } = spec;
  const refusals = past.map((each, i) => each.end === 'brings' && sentBack(each, i + 1));
  function sentBack(each: Happening, attempt: number): boolean {
    const said = spec.approval?.at === 'result' ? heard(spec.approval, story, `result ${id} ${attempt}`) : 'granted';
    return each.gates.includes('fail') || said === 'sent back';
  }
  const reworks = refusals.slice(0, -1).filter(Boolean).length;
  const mayRework = reworks < (spec.reworkMax ?? (idempotent ? 3 : 0));
  if (last.end === 'brings') {
    if (last.gates.length < gates.length) return 'open';
    if (last.gates.includes('error')) return 'failed';
    if (last.gates.includes('fail')) return mayRework ? 'again' : 'failed';
    if (spec.approval?.at !== 'result') return 'committed';
    const said = heard(spec.approval, story, `result ${id} ${past.length}`);
    if (said === 'sent back') return mayRework ? 'again' : 'failed';
    return said === 'granted' ? 'committed' : said === 'denied' ? 'failed' : 'open';
  }
  // Retries are counted from the last rework on.
  const lately = past.slice(refusals.lastIndexOf(true, -2) + 1);
  const often = (classes: readonly string[]) =>
    lately.filter(({ end }) => (end === 'lost' ? classes === LOST : end !== 'brings' && classes.includes(end.class))).length;
  if (last.end === 'lost') {
    if ((idempotent || (onLost === 'retry' && !probe)) && often(LOST) < 20) return 'again';
  } else {
    const passing = PASSING[last.end.class];
    const [classes, most] = spec.retry ? [spec.retry.on, spec.retry.attempts] : [[last.end.class], passing?.attempts ?? 1];
    const over = !passing || !classes.includes(last.end.class) || often(classes) >= most || (last.end.retryAfterMs ?? 0) > HOUR_MS;
    if (over && !last.end.excused) return 'failed';
    if (idempotent || !last.end.dispatched) return 'again';
  }
  // It may have happened, and repeating it may do harm.
  if (probe && last.probe === undefined) return 'open';
  if (last.probe === 'happened') return 'committed';
  if (last.probe === 'absent' || onLost === 'retry') return 'again';
  if (onLost === 'fail') return 'failed';
  return last.ruling === 'retry' ? 'again' : last.ruling === 'committed' ? 'committed' : last.ruling === 'fail' ? 'failed' : 'open';
}

/** The next attempt of a task that may simply be repeated waits: as long as it was told, or for half of a doubling time at least. */
function waits({ idempotent, retry }: TaskSpec, past: readonly Happening[]): number {
  const { end } = past.at(-1) ?? {};
  if (!end || typeof end === 'string' || end.excused || !(idempotent || !end.dispatched)) return 0;
  if (end.retryAfterMs !== undefined) return end.retryAfterMs;
  const sent = past.findLastIndex((each) => each.end === 'brings');
  const classes: readonly string[] = retry?.on ?? [end.class];
  const before = past.slice(sent + 1, -1).filter((each) => typeof each.end === 'object' && classes.includes(each.end.class)).length;
  const { first = 0, longest = 0 } = PASSING[end.class] ?? {};
  return Math.floor(Math.min((retry?.backoffMs ?? first) * 2 ** before, retry?.backoffMaxMs ?? longest) / 2);
}

/** What was decided, from what everybody said. */
function heard(rule: ApprovalRule | undefined, story: Story, about: string): 'granted' | 'denied' | 'sent back' | 'open' {
  const voices = story.voices.get(about) ?? [];
  const late = voices.findIndex((voice) => voice.by === 'time');
  const valid = voices.flatMap((voice, place) => {
    if (voice.by === 'time') return rule?.onTimeout === 'deny' ? [{ who: 'time', says: 'reject' as const }] : [];
    const escalated = late >= 0 && late < place && rule?.onTimeout === 'escalate';
    const roles = [...(rule?.by ?? []), ...(escalated ? (rule?.escalateTo ?? []) : [])];
    const open = (rule?.by.length ?? 0) === 0;
    const may = (open || voice.by.roles.some((role) => roles.includes(role))) && !(rule?.notAuthor && voice.by.id === story.author.id);
    return may && !voice.stale ? [{ who: voice.by.id, says: voice.says }] : [];
  });
  const first = valid.filter((voice, i) => valid.findIndex((each) => each.who === voice.who) === i);
  const against = first.findIndex(({ says }) => says !== 'approve');
  const enough = first.findIndex((_, i) => first.slice(0, i + 1).every(({ says }) => says === 'approve') && i + 1 >= (rule?.quorum ?? 1));
  if (enough >= 0) return 'granted';
  return against < 0 ? 'open' : first[against]?.says === 'send back' ? 'sent back' : 'denied';
}

/** Every attempt but the last must allow another; the last of a task that ran to its end must not. */
function wrongOften(story: Story, tasks: ReadonlyMap<string, Ending>): string | undefined {
  for (const spec of story.plan) {
    const past = story.happenings.get(spec.id) ?? [];
    if (story.earlier.has(spec.id) || spec.kind !== 'work') continue;
    const kept = tasks.get(spec.id) === 'barred' || story.resolved.has(spec.id);
    if (kept && past.length > 0) return `${spec.id} ran, and should not have`;
    for (let n = 1; n < past.length; n++) {
      const follows = sequel(spec, past.slice(0, n), story);
      if (follows !== 'again') return `${spec.id} ran again after attempt ${n} (${follows})`;
      const [before, next] = [past[n - 1], past[n]];
      if (before && next && next.began < before.ended + waits(spec, past.slice(0, n)))
        return `${spec.id} ran again ${next.began - before.ended} ms after attempt ${n}`;
    }
    const follows = sequel(spec, past, story);
    const ran = !kept && tasks.get(spec.id) !== 'cancelled';
    const mayRun = spec.approval?.at !== 'start' || heard(spec.approval, story, `start ${spec.id}`) === 'granted';
    if (!mayRun && past.length > 0) return `${spec.id} ran without its approval`;
    if (ran && mayRun && (follows === 'again' || follows === 'open')) return `${spec.id} stopped after attempt ${past.length} (${follows})`;
  }
  return undefined;
}

/** Who runs while others do, and after whom. */
function outOfOrder(story: Story, plan: ReadonlyMap<string, TaskSpec>): string | undefined {
  const running = new Set<string>();
  const begun = new Map<string, number>();
  const over = new Map<string, number>();
  let [paused, cancelled] = [false, false];
  for (const [place, { what, task }] of story.moments.entries()) {
    if (what === 'pause' || what === 'resume') paused = what === 'pause';
    else if (what === 'cancel') [paused, cancelled] = [false, true];
    else if (what === 'ends') {
      running.delete(task);
      over.set(task, place);
    } else {
      const spec = plan.get(task);
      if (paused) return `${task} begins in a paused run`;
      if (cancelled && !runsAnyway(task, plan)) return `${task} begins after the cancel`;
      if (running.has(task)) return `${task} runs twice at once`;
      running.add(task);
      begun.set(task, place);
      const beside = [...running].filter((each) => plan.get(each)?.parent === spec?.parent);
      const most = spec?.parent === undefined ? undefined : plan.get(spec.parent)?.maxParallel;
      if (most !== undefined && beside.length > most) return `${beside.join(' and ')} run at once`;
    }
  }
  for (const [id, place] of begun)
    for (const need of [...(plan.get(id)?.needs ?? []), ...(plan.get(plan.get(id)?.parent ?? '')?.needs ?? [])])
      if ((over.get(need) ?? -1) > place || (begun.get(need) ?? -1) > place) return `${id} began before ${need} was over`;
  return undefined;
}
