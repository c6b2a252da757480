/**
 * One task out of whatever a planner wrote: under the names it may have chosen, in the types it may have used. What can't be
 * meant is left out and told. A text is never judged by its words.
 */
import { didYouMean } from '../../near.ts';
import type { DraftGate, DraftTask, DraftTaskKind } from './draft.ts';
import type { Notes } from './notes.ts';
import type { Situation } from './situation.ts';

export type Json = Readonly<Record<string, unknown>>;
export const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A task whose references are as they were written. */
export interface RawTask {
  readonly task: Omit<DraftTask, 'id' | 'needs' | 'inputs' | 'covers'>;
  /** As it calls itself; empty where it does not. */
  readonly name: string;
  readonly needs: readonly (string | number)[];
  readonly inputs: Readonly<Record<string, string>>;
  readonly covers: readonly string[];
}

const KINDS: Readonly<Record<string, DraftTaskKind>> = {
  ...{ agent: 'agent', model: 'agent', llm: 'agent', prompt: 'agent', code: 'agent', coding: 'agent' },
  ...{ command: 'command', run: 'command', shell: 'command', bash: 'command', script: 'command', exec: 'command' },
  ...{ tool: 'tool', function: 'tool' },
  ...{ approve: 'approve', approval: 'approve', human: 'approve', manual: 'approve', review_by_human: 'approve' },
  ...{ composite: 'composite', plan: 'composite', group: 'composite', epic: 'composite', phase: 'composite', subplan: 'composite' },
};
const SIZES: Readonly<Record<string, number>> = { xs: 1, trivial: 1, s: 1, small: 2, m: 3, medium: 3, l: 4, large: 4, xl: 5, huge: 5 };

/** Keys by what they mean, the usual one first. */
const KEYS = {
  id: ['id', 'name', 'key', 'task_id', 'taskId'],
  kind: ['kind', 'type'],
  title: ['title', 'summary', 'name', 'label'],
  text: ['text', 'prompt', 'description', 'instructions', 'command', 'run', 'cmd', 'question', 'goal', 'details', 'task'],
  needs: ['needs', 'depends_on', 'dependsOn', 'dependencies', 'deps', 'after', 'requires', 'blockedBy', 'blocked_by'],
  covers: ['covers', 'requirements', 'satisfies'],
  writes: ['writes', 'files', 'paths'],
  gates: ['gates', 'gate', 'checks', 'verify', 'acceptance'],
  capability: ['capability', 'skill', 'role'],
  agent: ['agent', 'assignee', 'assigned_to', 'worker'],
  inputs: ['inputs', 'reads'],
  outputs: ['outputs', 'produces'],
  size: ['size', 'effort', 'complexity', 'estimate'],
} as const;
const OTHERS = ['with', 'approval', 'irreversible', 'timeout', 'timeoutMs', 'budgetUsd', 'network', 'tool'];
const KNOWN: ReadonlySet<string> = new Set([...Object.values(KEYS).flat(), ...OTHERS]);

/** @param at what to call it where it has no name */
export function readTask(raw: unknown, at: string, situation: Situation, notes: Notes): RawTask | undefined {
  if (typeof raw === 'string' && raw.trim() !== '')
    return { task: { kind: 'agent', title: titleOf(raw), text: raw }, name: '', needs: [], inputs: {}, covers: [] };
  if (!isMap(raw)) {
    notes.add('BAD_SHAPE', [], `left out ${at}: it is no task but ${JSON.stringify(raw)?.slice(0, 40)}`);
    return undefined;
  }
  const name = textOf(first(raw, KEYS.id));
  const called = name || at;
  const kind = kindOf(raw, called, situation, notes);
  const text = commandText(first(raw, kind === 'tool' ? ['tool', ...KEYS.text] : KEYS.text)) || textOf(first(raw, KEYS.title));
  if (text === '') {
    notes.add('BAD_SHAPE', [], `left out ${called}: nothing says what it is`);
    return undefined;
  }
  const unknown = Object.keys(raw).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0)
    notes.add('BAD_SHAPE', [called], `ignored ${unknown.slice(0, 5).join(', ')} of "${called}", which a task does not have`);
  const task = {
    kind,
    title: titleOf(textOf(first(raw, KEYS.title)) || text),
    text,
    ...(isMap(raw['with']) ? { with: raw['with'] } : {}),
    ...whoOf(raw, called, kind, situation, notes),
    ...listed('outputs', textsOf(first(raw, KEYS.outputs)).map(slug).filter(Boolean)),
    ...listed('writes', writesOf(first(raw, KEYS.writes), called, notes)),
    ...listed('gates', gatesOf(first(raw, KEYS.gates), called, notes)),
    ...approvalOf(raw['approval']),
    ...(raw['irreversible'] === true ? { irreversible: true } : {}),
    ...sizeOf(first(raw, KEYS.size)),
    ...listed('network', textsOf(raw['network'])),
    ...(typeof raw['budgetUsd'] === 'number' && raw['budgetUsd'] > 0 ? { budgetUsd: raw['budgetUsd'] } : {}),
    ...timeoutOf(raw),
  };
  return {
    task,
    name,
    needs: needsOf(first(raw, KEYS.needs)),
    inputs: inputsOf(first(raw, KEYS.inputs)),
    covers: textsOf(first(raw, KEYS.covers)),
  };
}

const first = (raw: Json, keys: readonly string[]): unknown =>
  keys.map((key) => raw[key]).find((value) => value !== undefined && value !== null);
const listed = <K extends string, T>(key: K, values: readonly T[]): { readonly [P in K]?: readonly T[] } =>
  (values.length === 0 ? {} : { [key]: values }) as { readonly [P in K]?: readonly T[] };

const textOf = (value: unknown): string => (typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '');
const commandText = (value: unknown): string =>
  Array.isArray(value)
    ? value.map(textOf).filter(Boolean).join(' && ')
    : isMap(value)
      ? textOf(value['command'] ?? value['run'])
      : textOf(value);
export const textsOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : [])
    .map((each) => (isMap(each) ? textOf(each['id'] ?? each['name'] ?? each['path']) : textOf(each)))
    .filter((each) => each !== '');

const TITLE_MAX = 80;
function titleOf(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length <= TITLE_MAX ? line : `${line.slice(0, TITLE_MAX - 1)}…`;
}

export const slug = (text: string): string =>
  text
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '')
    .slice(0, 40);

function kindOf(raw: Json, called: string, situation: Situation, notes: Notes): DraftTaskKind {
  const said = textOf(first(raw, KEYS.kind)).toLowerCase().replaceAll(/[\s-]/g, '_');
  const known = Object.hasOwn(KINDS, said) ? KINDS[said] : undefined;
  if (known) return known;
  const meant =
    raw['run'] !== undefined || raw['command'] !== undefined || raw['cmd'] !== undefined
      ? 'command'
      : raw['tool'] !== undefined
        ? 'tool'
        : 'agent';
  // "documentation" or "test" says what somebody has to be able to do, not what kind of task it is.
  if (said !== '' && !situation.agents.some(({ capabilities }) => capabilities.includes(said)))
    notes.add('BAD_SHAPE', [called], `"${called}" is of the kind "${said}", which there is not: taken as ${meant}`);
  return meant;
}

function whoOf(raw: Json, called: string, kind: DraftTaskKind, { agents, tools }: Situation, notes: Notes): Partial<DraftTask> {
  if (kind === 'tool') {
    const name = textOf(raw['tool'] ?? first(raw, KEYS.text));
    if (tools.has(name)) return {};
    const meant = didYouMean(name, tools);
    notes.add(
      'ACL_DENIED',
      [called],
      `"${called}" names the tool "${name}", which there is not${meant === undefined ? ': an agent is asked instead' : `: taken as "${meant}"`}`,
    );
    return meant === undefined ? { kind: 'agent' } : { text: meant };
  }
  if (kind !== 'agent') return {};
  const known = new Set(agents.flatMap(({ capabilities }) => capabilities));
  const said = textOf(first(raw, KEYS.capability)) || kindAsCapability(raw, known);
  const capability = said === '' || known.has(said) ? said : nearest(said, known, called, notes);
  const named = textOf(first(raw, KEYS.agent));
  if (named !== '' && !agents.some(({ name }) => name === named))
    notes.add('ACL_DENIED', [called], `"${called}" names the agent "${named}", which there is not: routed instead`);
  return {
    ...(capability === '' ? {} : { capability }),
    ...(agents.some(({ name }) => name === named) ? { agent: named } : {}),
  };
}

const kindAsCapability = (raw: Json, known: ReadonlySet<string>): string => {
  const said = textOf(first(raw, KEYS.kind)).toLowerCase();
  return known.has(said) ? said : '';
};

/** One that nobody has is kept where nothing is near: routing tells that nobody has it. */
function nearest(said: string, known: ReadonlySet<string>, called: string, notes: Notes): string {
  const meant = known.has(said.toLowerCase()) ? said.toLowerCase() : didYouMean(said, known);
  if (meant === undefined) return said;
  notes.add('UNROUTABLE', [called], `"${called}" asks for the capability "${said}": taken as "${meant}"`);
  return meant;
}

function writesOf(value: unknown, called: string, notes: Notes): string[] {
  return textsOf(value).flatMap((text) => {
    const path = text.replace(/^\.\//, '').replace(/\/+$/, '/**');
    if (
      !path.startsWith('/') &&
      !path.split('/').some((segment) => segment === '' || segment === '.' || segment === '..') &&
      !/[\\\0]/.test(path)
    )
      return [path];
    notes.add('ACL_DENIED', [called], `"${called}" may not write ${JSON.stringify(text)}, which is no path inside the project`);
    return [];
  });
}

function gatesOf(value: unknown, called: string, notes: Notes): DraftGate[] {
  const all = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return all.flatMap((each): DraftGate[] => {
    const run = isMap(each) ? textOf(each['run'] ?? each['command'] ?? each['cmd']) : textOf(each);
    if (run === '') {
      notes.add('GATE_UNSATISFIABLE', [called], `left out a gate of "${called}" that has no command`);
      return [];
    }
    const name = isMap(each) ? textOf(each['name']) : '';
    return [name === '' ? { run } : { name, run }];
  });
}

const approvalOf = (said: unknown): Pick<DraftTask, 'approval'> =>
  said === 'start' || said === true ? { approval: 'start' } : said === 'result' ? { approval: 'result' } : {};

function sizeOf(value: unknown): Partial<DraftTask> {
  const said = typeof value === 'number' ? value : (SIZES[textOf(value).toLowerCase()] ?? Number.parseFloat(textOf(value)));
  return Number.isFinite(said) ? { size: Math.min(5, Math.max(1, Math.round(said))) } : {};
}

function timeoutOf(raw: Json): Partial<DraftTask> {
  if (typeof raw['timeoutMs'] === 'number' && raw['timeoutMs'] > 0) return { timeoutMs: raw['timeoutMs'] };
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*(s|m|h)/.exec(textOf(raw['timeout'])) ?? [];
  return amount === undefined ? {} : { timeoutMs: Number(amount) * (unit === 'h' ? 3_600_000 : unit === 'm' ? 60_000 : 1_000) };
}

const needsOf = (value: unknown): (string | number)[] => {
  if (typeof value === 'number') return [value];
  if (Array.isArray(value))
    return value.flatMap((each: unknown): (string | number)[] => (typeof each === 'number' ? [each] : textsOf([each])));
  return textsOf(value);
};
const inputsOf = (value: unknown): Record<string, string> => {
  if (isMap(value))
    return Object.fromEntries(Object.entries(value).flatMap(([name, from]) => (textOf(from) === '' ? [] : [[slug(name), textOf(from)]])));
  return Object.fromEntries(textsOf(value).map((from) => [slug(from.split('.').at(-1) ?? from), from]));
};
