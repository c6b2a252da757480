/** Holds what the kernel says of a run against what its diary says. */
import { owedBy } from '../../engine/kernel/kernel.ts';
import { RUN_TERMINAL, type RunState, type TaskRecord } from '../../engine/kernel/state.ts';
import type { Ending, Happening } from '../model.ts';
import type { Diary } from './diary.ts';

/** What is wrong with a run between two groups, in words. */
export function wrongWith(state: RunState, diary: Diary): string | undefined {
  const { ledger } = diary;
  for (const measure of ['calls', 'tokens'] as const)
    if (state.spent[measure] !== ledger.spent[measure] || state.reserved[measure] !== ledger.reserved(measure))
      return `${state.spent[measure]} ${measure} are spent and ${state.reserved[measure]} set aside; really ${ledger.spent[measure]} and ${ledger.reserved(measure)}`;
  const asked = [...state.tasks.values()].filter(({ spec, attempt }) => spec.kind === 'question' && attempt > 0).length;
  if (state.attempts !== diary.begun + asked) return `${state.attempts} attempts are counted, ${diary.begun} began and ${asked} were asked`;
  for (const task of state.tasks.values()) {
    const { id } = task.spec;
    if (task.endedAt === undefined && (task.status === 'blocked') !== (task.reason !== undefined))
      return `${id} is ${task.status}, for the reason ${task.reason}`;
    const steps = Object.keys(task.steps).join();
    if (task.status === 'running' && steps !== (diary.steps.get(id) ?? []).join())
      return `${id} goes on after ${steps}, and recorded ${diary.steps.get(id)}`;
  }
  return wrongQueue(state) ?? (RUN_TERMINAL.has(state.status) && !diary.judged ? wrongAtTheEnd(state, diary) : undefined);
}

/** Who has to do something: the engine when it owes what moves a task on, else a person. */
function wrongQueue(state: RunState): string | undefined {
  const engine = owedBy(state).filter((owed) => MOVES.has(owed.type) || (owed.type === 'timer' && owed.timer.startsWith('retry:')));
  const people = [...state.tasks.values()].filter(({ status, spec, probing, replacedBy }) => {
    const asked = status === 'running' && (spec.kind === 'question' || spec.kind === 'decision');
    return replacedBy === undefined && (asked || (status === 'undecided' && !probing) || PEOPLE.has(status));
  });
  if (state.status === 'waiting' && (engine.length > 0 || people.length === 0))
    return `waits for people and owes ${engine.map(({ id }) => id)}`;
  if (state.status === 'running' && engine.length === 0) return `runs, and only ${people.map(({ spec }) => spec.id)} can move it on`;
  const begins = engine.find(({ type }) => type !== 'attempt' && type !== 'stop' && type !== 'gate' && type !== 'probe');
  if (state.status === 'paused' && begins) return `is paused and owes ${begins.id}`;
  for (const { id, task, status, refused } of state.messages.values()) {
    const over = state.tasks.get(task)?.endedAt !== undefined || !state.tasks.has(task);
    if (status === 'returned' && !over && refused < 3) return `${id} was returned while its task goes on`;
    if (status === 'waiting' && over) return `${id} waits for a task that is over`;
  }
  return undefined;
}
const MOVES: ReadonlySet<string> = new Set(['resolve', 'start', 'attempt', 'stop', 'gate', 'probe', 'acquire']);
const PEOPLE: ReadonlySet<string> = new Set(['awaiting-start', 'awaiting-result', 'blocked']);

function wrongAtTheEnd(state: RunState, diary: Diary): string | undefined {
  diary.judged = true;
  const { tasks, run, broken } = diary.verdict();
  if (broken !== undefined) return broken;
  for (const [id, ended] of tasks) {
    const task = state.tasks.get(id);
    if (!task || endingOf(task) !== ended) return `${id} ${task ? endingOf(task) : 'is not there'}; by the model ${ended}`;
    const wrong = diary.earlier.has(id) ? undefined : wrongAbout(task, diary);
    if (wrong !== undefined) return `${id} ${ended}: ${wrong}`;
  }
  for (const { spec, replacedBy } of state.tasks.values())
    if (!tasks.has(spec.id) && replacedBy === undefined && spec.parent === undefined) return `${spec.id} is not known to the model`;
  return state.status === run ? undefined : `${state.status}; by the model ${run}`;
}

function wrongAbout(task: TaskRecord, diary: Diary): string | undefined {
  const { id, agent } = task.spec;
  const result = diary.results.get(id);
  if (task.status === 'committed' && task.result !== result) return `it brought ${result}, and ${task.result} is kept`;
  if ((task.status === 'failed') !== (task.failure !== undefined) && task.status !== 'committed' && task.status !== 'cancelled')
    return `its failure is ${task.failure?.class}`;
  if (task.endedAt === undefined || (task.startedAt ?? 0) > task.endedAt)
    return `it started at ${task.startedAt} and ended at ${task.endedAt}`;
  const past = diary.happenings.get(id) ?? [];
  if (past.length === 0) return undefined;
  if (task.attempt !== past.length || task.startedAt !== past.at(-1)?.began || task.agent !== agent)
    return `attempt ${task.attempt} by ${task.agent} at ${task.startedAt}, really ${past.length} by ${agent} at ${past.at(-1)?.began}`;
  const inputs = task.spec.resolve ? `inputs of ${id}` : task.spec.work;
  if (task.inputs !== inputs) return `it was given ${task.inputs}, really ${inputs}`;
  const said = (attempt: number) =>
    (diary.voices.get(`result ${id} ${attempt}`) ?? []).some((voice) => voice.by !== 'time' && voice.says === 'send back');
  const feedback = past.slice(0, -1).reduce((sum, each, i) => sum + sentBack(each, said(i + 1)), 0);
  return task.status === 'cancelled' || task.feedback.length === feedback
    ? undefined
    : `${task.feedback.length} texts of feedback, really ${feedback}`;
}

const sentBack = ({ end, gates }: Happening, byPerson: boolean): number =>
  end !== 'brings' ? 0 : gates.filter((verdict) => verdict === 'fail').length || Number(byPerson);

export const endingOf = ({ status, cause }: TaskRecord): Ending => (cause?.cause === 'need' ? 'barred' : (status as Ending));
