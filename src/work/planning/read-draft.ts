/**
 * A plan out of what a planner said. Whatever can be meant is kept, and every change that was made on the way is told;
 * what can't be made a plan is refused with a code. A plan without tasks is never one.
 */
import { didYouMean } from '../../near.ts';
import { breakCycles } from './cycles.ts';
import type { Draft, DraftQuestion, DraftTask, Finding, Repair, Requirement } from './draft.ts';
import { Notes, refusal } from './notes.ts';
import { isMap, type Json, type RawTask, readTask, slug, textsOf } from './read-task.ts';
import { salvageJson } from './salvage.ts';
import type { Situation } from './situation.ts';

export type ReadDraft =
  | { readonly ok: true; readonly draft: Draft; readonly repairs: readonly Repair[] }
  | { readonly ok: false; readonly findings: readonly Finding[]; readonly repairs: readonly Repair[] };

export function readDraft(said: string, situation: Situation): ReadDraft {
  const notes = new Notes();
  const salvaged = salvageJson(said);
  if (!salvaged.ok)
    return refused(
      notes,
      refusal('BAD_SHAPE', [], `This is no plan: ${salvaged.message}.`, 'Answer with one JSON object, as the schema says.'),
    );
  for (const each of salvaged.notes) notes.add('BAD_SHAPE', [], each);
  const plan = planIn(salvaged.value);
  const given = tasksIn(plan);
  if (given.length > situation.limits.tasks)
    return refused(
      notes,
      refusal(
        'LIMIT_TASKS',
        [],
        `limit tasks = ${situation.limits.tasks}: the plan has ${given.length}.`,
        'Make fewer, larger tasks; what is large can be `composite`.',
      ),
    );
  const read = given.flatMap(([key, raw], i) => {
    const task = readTask(raw, key || `task ${i + 1}`, situation, notes);
    return task ? [{ key, ...task }] : [];
  });
  if (read.length === 0)
    return refused(notes, refusal('BAD_SHAPE', [], 'The plan has no tasks.', 'Give at least one task that brings the goal about.'));
  const questions = questionsIn(plan);
  const named = nameAll(read, questions, notes);
  const wired = named.map((each) => wire(each, named, questions, notes));
  const requirements = requirementsIn(plan, situation);
  const broken = breakCycles(wired, notes);
  if ('code' in broken) return refused(notes, broken);
  const tasks = cover(broken.tasks, requirements, notes);
  return { ok: true, draft: { goal: situation.goal, requirements, questions, tasks }, repairs: notes.repairs };
}

const refused = ({ repairs }: Notes, finding: Finding): ReadDraft => ({ ok: false, findings: [finding], repairs });

const LISTS = ['tasks', 'steps', 'plan', 'subtasks', 'items'];

/** The map that holds the tasks: itself, or one level down. */
function planIn(value: unknown): Json {
  if (Array.isArray(value)) return { tasks: value };
  if (!isMap(value)) return {};
  const inner = Object.values(value).find((each) => isMap(each) && LISTS.some((key) => each[key] !== undefined));
  return LISTS.some((key) => Array.isArray(value[key])) || !isMap(inner) ? value : inner;
}

function tasksIn(plan: Json): (readonly [string, unknown])[] {
  const found = LISTS.map((key) => plan[key]).find((each) => Array.isArray(each) || isMap(each));
  if (Array.isArray(found)) return found.map((each: unknown) => ['', each] as const);
  return isMap(found) ? Object.entries(found) : [];
}

interface Named extends RawTask {
  readonly id: string;
  readonly key: string;
}

/** Ids that are none become ones, and no id is given twice. */
function nameAll(read: readonly (RawTask & { readonly key: string })[], questions: readonly DraftQuestion[], notes: Notes): Named[] {
  const taken = new Set(questions.map(({ id }) => id));
  return read.map((raw, i) => {
    const said = raw.name || raw.key;
    const wanted = slug(said) || slug(raw.task.title) || `task_${i + 1}`;
    let id = wanted;
    for (let n = 2; taken.has(id); n++) id = `${wanted}_${n}`;
    taken.add(id);
    if (id !== wanted && said !== '')
      notes.add('DUPLICATE_ID', [id], `there are two tasks "${said}": the later one is "${id}", and what needs "${said}" needs the first`);
    else if (said !== '' && id !== said) notes.add('BAD_SHAPE', [id], `"${said}" is no id: called "${id}"`);
    return { ...raw, id };
  });
}

/** What a reference means: an id, a name as it was written, a title, a number in the list, or nearly one of these. */
function resolve(
  reference: string | number,
  named: readonly Named[],
  questions: readonly DraftQuestion[],
  zero: boolean,
): string | undefined {
  const text = String(reference);
  const exact =
    named.find(({ id, name, key }) => id === text || name === text || key === text)?.id ?? questions.find(({ id }) => id === text)?.id;
  if (exact !== undefined) return exact;
  if (/^\d+$/.test(text)) return named[Number(text) - (zero ? 0 : 1)]?.id;
  const like = slug(text);
  return named.find(({ id, task }) => id === like || slug(task.title) === like)?.id;
}

function wire(own: Named, named: readonly Named[], questions: readonly DraftQuestion[], notes: Notes): DraftTask {
  const zero = named.some(({ needs }) => needs.some((need) => String(need) === '0'));
  const ids = [...named.map(({ id }) => id), ...questions.map(({ id }) => id)];
  const needs = new Set<string>();
  for (const reference of own.needs) {
    const found = resolve(reference, named, questions, zero) ?? nearly(String(reference), ids, own.id, notes);
    if (found === undefined)
      notes.add('UNKNOWN_DEPENDENCY', [own.id], `dropped the dependency of "${own.id}" on "${reference}", which is no task`);
    else if (found === own.id) notes.add('CYCLE', [own.id], `dropped the dependency of "${own.id}" on itself`);
    else needs.add(found);
  }
  const inputs = Object.entries(own.inputs).flatMap(([name, from]): [string, string][] => {
    const [task = '', output = ''] = from.replace(/^tasks\./, '').split(/\.(?:outputs\.)?/, 2);
    const found = resolve(task, named, questions, zero);
    if (found === undefined || found === own.id) {
      notes.add('MISSING_INPUT', [own.id], `dropped the input "${name}" of "${own.id}": "${from}" is no result of a task`);
      return [];
    }
    return [[name, output === '' ? found : `${found}.${slug(output)}`]];
  });
  return {
    ...own.task,
    id: own.id,
    needs: [...needs],
    ...(inputs.length > 0 ? { inputs: Object.fromEntries(inputs) } : {}),
    ...(own.covers.length > 0 ? { covers: own.covers } : {}),
  };
}

function nearly(reference: string, ids: readonly string[], own: string, notes: Notes): string | undefined {
  const meant = didYouMean(slug(reference), ids);
  if (meant !== undefined) notes.add('UNKNOWN_DEPENDENCY', [own], `"${own}" needs "${reference}", which there is not: taken as "${meant}"`);
  return meant;
}

function questionsIn(plan: Json): DraftQuestion[] {
  const all = Array.isArray(plan['questions']) ? plan['questions'] : [];
  return all.flatMap((each: unknown, i): DraftQuestion[] => {
    const text = typeof each === 'string' ? each : isMap(each) ? String(each['text'] ?? each['question'] ?? '') : '';
    if (text.trim() === '') return [];
    const choices = isMap(each) ? textsOf(each['choices'] ?? each['options']) : [];
    const id = (isMap(each) && typeof each['id'] === 'string' && slug(each['id'])) || `ask_${i + 1}`;
    return [{ id, text: text.trim(), ...(choices.length > 0 ? { choices } : {}) }];
  });
}

/** Without any, the goal is the one requirement. */
function requirementsIn(plan: Json, { goal }: Situation): Requirement[] {
  const all = Array.isArray(plan['requirements']) ? plan['requirements'] : [];
  const read = all.flatMap((each: unknown): Omit<Requirement, 'id'>[] => {
    if (typeof each === 'string') return each.trim() === '' ? [] : [{ text: each.trim() }];
    if (!isMap(each)) return [];
    const text = String(each['text'] ?? each['description'] ?? '').trim();
    const deferred = each['deferred'];
    return text === '' ? [] : [{ text, ...(typeof deferred === 'string' && deferred !== '' ? { deferred } : {}) }];
  });
  return (read.length > 0 ? read : [{ text: goal }]).map((each, i) => ({ id: `R${i + 1}`, ...each }));
}

/** Where no task says what it covers, all of a plan covers all it was made for. */
function cover(tasks: readonly DraftTask[], requirements: readonly Requirement[], notes: Notes): DraftTask[] {
  const ids = new Set(requirements.map(({ id }) => id));
  const known = (said: string) =>
    ids.has(said.toUpperCase()) ? said.toUpperCase() : /^\d+$/.test(said) && ids.has(`R${said}`) ? `R${said}` : undefined;
  if (tasks.every(({ covers }) => covers === undefined)) {
    const open = requirements.filter(({ deferred }) => deferred === undefined).map(({ id }) => id);
    const needed = new Set(tasks.flatMap(({ needs }) => needs));
    if (open.length > 0 && requirements.length > 1)
      notes.add('UNCOVERED_REQUIREMENT', [], 'no task says which requirements it covers: the last ones are taken to cover all');
    return tasks.map((task) => (needed.has(task.id) || open.length === 0 ? task : { ...task, covers: open }));
  }
  return tasks.map(({ covers, ...task }) => {
    const found = [...new Set((covers ?? []).flatMap((each) => known(each) ?? []))];
    return found.length === 0 ? task : { ...task, covers: found };
  });
}
