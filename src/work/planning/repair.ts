/**
 * Mends what is wrong with a plan where there is one right way to do it; what is left goes back to whoever made it. Bounded:
 * every round takes findings away or is the last.
 */
import type { Draft, DraftTask, Finding, FindingCode } from './draft.ts';
import { Notes } from './notes.ts';
import type { Situation } from './situation.ts';
import { isMissing, sameness, validate } from './validate.ts';

/** Looks at a plan, the last one included. */
const ROUNDS_MAX = 5;

export interface Mended {
  readonly draft: Draft;
  /** What is still wrong, or worth a note. */
  readonly findings: readonly Finding[];
}

export function mend(draft: Draft, situation: Situation, notes = new Notes()): Mended {
  let mended = draft;
  for (let round = 1; ; round++) {
    const findings = validate(mended, situation);
    const before = notes.repairs.length;
    if (round < ROUNDS_MAX) for (const finding of findings) mended = mendOne(mended, finding, situation, notes);
    if (notes.repairs.length === before) return { draft: mended, findings };
  }
}

type Mender = (draft: Draft, finding: Finding, situation: Situation, notes: Notes) => Draft;

const MENDERS: Readonly<Partial<Record<FindingCode, Mender>>> = {
  UNKNOWN_DEPENDENCY: dropUnknown,
  MISSING_INPUT: orderOrPromise,
  REDUNDANT: mergeSame,
  WRITE_CONFLICT: putInOrder,
  DEPTH_EXCEEDED: planWhole,
  DELEGATION_LOOP: planWhole,
  APPROVAL_MISSING: askBefore,
  GATE_UNSATISFIABLE: checkOtherwise,
};

const mendOne: Mender = (draft, finding, situation, notes) =>
  finding.level === 'note' ? draft : (MENDERS[finding.code]?.(draft, finding, situation, notes) ?? draft);

const changed = (draft: Draft, id: string | undefined, change: (task: DraftTask) => DraftTask): Draft => ({
  ...draft,
  tasks: draft.tasks.map((task) => (task.id === id ? change(task) : task)),
});
const taskOf = ({ tasks }: Draft, id: string | undefined): DraftTask | undefined => tasks.find((task) => task.id === id);

function dropUnknown(draft: Draft, { tasks: [id = ''] }: Finding, _: Situation, notes: Notes): Draft {
  const known = new Set([...draft.tasks, ...draft.questions].map((each) => each.id));
  const lost = taskOf(draft, id)?.needs.filter((need) => !known.has(need)) ?? [];
  for (const need of lost) notes.add('UNKNOWN_DEPENDENCY', [id], `dropped the dependency of "${id}" on "${need}", which is no task`);
  return changed(draft, id, (task) => ({ ...task, needs: task.needs.filter((need) => known.has(need)) }));
}

/** Whoever reads a result waits for it, and whoever is read promises it. */
function orderOrPromise(draft: Draft, { tasks: [id = '', source] }: Finding, _: Situation, notes: Notes): Draft {
  const made = taskOf(draft, source);
  if (!made || source === undefined) return draft;
  const read = Object.values(taskOf(draft, id)?.inputs ?? {})
    .filter((from) => from.startsWith(`${source}.`))
    .map((from) => from.slice(source.length + 1));
  const unpromised = made.outputs ? [...new Set(read)].filter((name) => name !== 'summary' && !made.outputs?.includes(name)) : [];
  if (unpromised.length > 0 && made.kind === 'agent') {
    notes.add('MISSING_INPUT', [source, id], `"${source}" is asked for ${unpromised.join(', ')} too, which "${id}" reads`);
    return changed(draft, source, (task) => ({ ...task, outputs: [...(task.outputs ?? []), ...unpromised] }));
  }
  if (unpromised.length > 0 || taskOf(draft, id)?.needs.includes(source)) return draft;
  notes.add('MISSING_INPUT', [id, source], `"${id}" needs "${source}", whose result it reads`);
  return changed(draft, id, (task) => ({ ...task, needs: [...task.needs, source] }));
}

/** What waited for the second waits for the first, and for what the second waited for: no order is lost, no circle made. */
function mergeSame(draft: Draft, { tasks: [first = '', second = ''] }: Finding, _: Situation, notes: Notes): Draft {
  const [one, other] = [taskOf(draft, first), taskOf(draft, second)];
  if (!one || !other || sameness(one) !== sameness(other)) return draft;
  notes.add('REDUNDANT', [first, second], `merged "${second}" into "${first}", which says the same`);
  const covers = [...new Set([...(one.covers ?? []), ...(other.covers ?? [])])];
  const instead = (need: string) => (need === second ? [first, ...other.needs] : [need]);
  const read = (from: string) => (from === second || from.startsWith(`${second}.`) ? first + from.slice(second.length) : from);
  const rewire = (task: DraftTask): DraftTask => ({
    ...task,
    needs: [...new Set(task.needs.flatMap(instead))],
    ...(task.inputs ? { inputs: Object.fromEntries(Object.entries(task.inputs).map(([name, from]) => [name, read(from)])) } : {}),
    ...(task.id === first && covers.length > 0 ? { covers } : {}),
  });
  return { ...draft, tasks: draft.tasks.filter(({ id }) => id !== second).map(rewire) };
}

function putInOrder(draft: Draft, { tasks: [first = '', second = ''] }: Finding, _: Situation, notes: Notes): Draft {
  notes.add('WRITE_CONFLICT', [second, first], `"${second}" needs "${first}", as both write the same`);
  return changed(draft, second, (task) => ({ ...task, needs: [...new Set([...task.needs, first])] }));
}

function planWhole(draft: Draft, { code, tasks, message }: Finding, _: Situation, notes: Notes): Draft {
  const whole = new Set(tasks);
  notes.add(code, tasks, `an agent does ${tasks.map((id) => `"${id}"`).join(', ')} as a whole (${message.split(':')[0]})`);
  return { ...draft, tasks: draft.tasks.map((task) => (whole.has(task.id) ? { ...task, kind: 'agent' } : task)) };
}

function askBefore(draft: Draft, { tasks: [id = ''] }: Finding, _: Situation, notes: Notes): Draft {
  notes.add('APPROVAL_MISSING', [id], `a person is asked before "${id}" starts, as it can't be taken back`);
  return changed(draft, id, (task) => ({ ...task, approval: 'start' }));
}

/** A gate that can't pass is the project's own test, where it has one. */
function checkOtherwise(draft: Draft, { tasks: [id = ''] }: Finding, { project }: Situation, notes: Notes): Draft {
  const { test } = project.commands;
  const gates = taskOf(draft, id)?.gates ?? [];
  const lost = gates.filter(({ run }) => isMissing(run, project));
  if (lost.length === 0 || test === undefined || isMissing(test, project)) return draft;
  notes.add('GATE_UNSATISFIABLE', [id], `"${id}" is checked by \`${test}\` instead of ${lost.map(({ run }) => `\`${run}\``).join(', ')}`);
  const left = gates.filter((gate) => !lost.includes(gate));
  const own = left.some(({ run }) => run === test) ? left : [...left, { run: test }];
  return changed(draft, id, (task) => ({ ...task, gates: own }));
}
