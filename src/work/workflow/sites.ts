/** Every place of a file where an expression may stand, and every command, where none may. */
import { hasExpression, split } from '../expressions/template.ts';
import type { Path } from './document.ts';
import { gatesOf } from './names.ts';
import type { TaskEntry, WorkflowFile } from './schema.ts';
import type { Place } from './types.ts';

export interface Site {
  /** The task it belongs to; none for the outputs of the file. */
  readonly id?: string;
  readonly path: Path;
  readonly text: string;
  /** The whole text is one expression, with or without `${{ }}`. */
  readonly bare?: boolean;
  /** Secrets may be named here. */
  readonly secrets?: boolean;
  /** Type the value must have. */
  readonly wants?: 'bool' | 'list';
  readonly around: Place['around'];
}

export interface CommandText {
  readonly path: Path;
  readonly text: string;
}

type Around = Site['around'];

/** What stands around the work of a task; its own `when` is asked before. */
const aroundOf = (task: TaskEntry): Around => (task.foreach !== undefined ? ['item'] : task.until ? ['round'] : []);

export function sitesOf(file: WorkflowFile): Site[] {
  const sites: Site[] = [];
  for (const [id, task] of Object.entries(file.tasks)) sites.push(...sitesOfTask(id, task));
  for (const [name, text] of Object.entries(file.outputs ?? {}))
    if (hasExpression(text)) sites.push({ path: ['outputs', name], text, around: [] });
  return sites;
}

export function sitesOfTask(id: string, task: TaskEntry): Site[] {
  const at = (...rest: Path): Path => ['tasks', id, ...rest];
  const around = aroundOf(task);
  const found: Site[] = [];
  const texts = (path: Path, value: unknown, more: Partial<Site> = {}) => {
    for (const [inner, text] of textsIn(path, value)) if (hasExpression(text)) found.push({ id, path: inner, text, around, ...more });
  };
  if (typeof task.when === 'string') found.push({ id, path: at('when'), text: task.when, bare: true, wants: 'bool', around: [] });
  if (typeof task.foreach === 'string') found.push({ id, path: at('foreach'), text: task.foreach, bare: true, wants: 'list', around: [] });
  else texts(at('foreach'), task.foreach, { around: [] });
  if (task.until)
    found.push({ id, path: at('until', 'when'), text: task.until.when, bare: true, wants: 'bool', around: ['this', 'round'] });
  texts(at('prompt'), task.prompt);
  texts(at('plan'), task.plan);
  texts(at('approve'), task.approve);
  texts(at('env'), task.env, { secrets: true });
  for (const [path, gate] of gatePaths(id, task)) if ('run' in gate) texts([...path, 'env'], gate.env, { secrets: true });
  texts(at('with'), task.with);
  return found;
}

export function commandsOf(id: string, task: TaskEntry): CommandText[] {
  const found: CommandText[] = [];
  const take = (path: Path, command: unknown) => {
    for (const [inner, text] of textsIn(path, command)) found.push({ path: inner, text });
  };
  take(['tasks', id, 'run'], task.run);
  take(['tasks', id, 'probe'], task.probe);
  for (const [path, gate] of gatePaths(id, task)) if ('run' in gate) take([...path, 'run'], gate.run);
  return found;
}

export const gatePaths = (id: string, task: TaskEntry): [Path, ReturnType<typeof gatesOf>[number]][] =>
  gatesOf(task).map((gate, i) => [Array.isArray(task.gate) ? ['tasks', id, 'gate', i] : ['tasks', id, 'gate'], gate]);

/** All texts in a value, each with its path. */
export function textsIn(path: Path, value: unknown): [Path, string][] {
  const found: [Path, string][] = [];
  const open: [Path, unknown][] = [[path, value]];
  for (let item = open.pop(); item; item = open.pop()) {
    const [at, each] = item;
    if (typeof each === 'string') found.push([at, each]);
    else if (Array.isArray(each)) for (const [i, inner] of each.entries()) open.push([[...at, i], inner]);
    else if (typeof each === 'object' && each !== null) for (const [key, inner] of Object.entries(each)) open.push([[...at, key], inner]);
  }
  return found;
}

export interface FoundPiece {
  readonly expr: string;
  /** Offset in the text. */
  readonly at: number;
}

/** The expressions of a site, or what is wrong with how they are written. */
export function piecesOf({ text, bare, path }: Site): {
  readonly pieces: readonly FoundPiece[];
  readonly wrong?: { readonly message: string; readonly at: number };
} {
  if (bare && !hasExpression(text)) return { pieces: [{ expr: text.trim(), at: text.length - text.trimStart().length }] };
  const { pieces, unclosed } = split(text);
  const expressions = pieces.filter((piece) => typeof piece === 'object');
  if (unclosed !== undefined) return { pieces: expressions, wrong: { message: 'this `${{` has no end; write `${{ … }}`', at: unclosed } };
  const loose = bare ? pieces.find((piece) => typeof piece === 'string' && piece.trim() !== '') : undefined;
  if (bare && (loose !== undefined || expressions.length !== 1))
    return { pieces: [], wrong: { message: `\`${String(path.at(-1))}\` must be one whole expression`, at: 0 } };
  return { pieces: expressions };
}

/** The one expression of a text that is nothing else. */
export function bareExpression(text: string): string | undefined {
  const { pieces, wrong } = piecesOf({ path: [], text, bare: true, around: [] });
  return wrong ? undefined : pieces[0]?.expr;
}
