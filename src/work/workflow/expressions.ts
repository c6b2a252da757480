/** Checks every expression of a file: syntax, names, types, and where it stands. */
import { checkTypes, type ExpressionProblem, environment, parseExpression } from '../expressions/cel.ts';
import { hasExpression, split } from '../expressions/template.ts';
import type { Path, Source } from './document.ts';
import { namesFor, neededBy } from './names.ts';
import { didYouMean, type Problem, type ProblemCode } from './problem.ts';
import type { TaskEntry, WorkflowFile } from './schema.ts';

interface Site {
  readonly path: Path;
  readonly text: string;
  /** The whole text is one expression, with or without `${{ }}`. */
  readonly bare?: boolean;
  readonly env?: boolean;
  /** Type the value must have. */
  readonly wants?: 'bool' | 'list';
  readonly names?: 'item' | 'this';
}

const CODES: Readonly<Record<ExpressionProblem['kind'], ProblemCode>> = {
  syntax: 'EXPRESSION_SYNTAX',
  type: 'EXPRESSION_TYPE',
  'unknown-name': 'EXPRESSION_UNKNOWN_NAME',
};

export function expressionProblems(source: Source, file: WorkflowFile): Problem[] {
  const problems: Problem[] = [];
  for (const [id, task] of Object.entries(file.tasks)) {
    commandTexts(task).forEach(([path, text]) => {
      const found = split(text);
      const piece = found.pieces.find((each) => typeof each !== 'string');
      if (typeof piece === 'object' && piece !== null)
        problems.push({
          file: source.file,
          ...source.inside(['tasks', id, ...path], piece.at),
          code: 'EXPRESSION_IN_COMMAND',
          message: `data reaches a command through \`env\`, never through its text. Write \`env: { VALUE: "\${{ ${piece.expr} }}" }\` and use "$VALUE"`,
        });
    });
    for (const site of sites(id, task)) problems.push(...siteProblems(source, file, id, site));
  }
  for (const [name, text] of Object.entries(file.outputs ?? {}))
    problems.push(...siteProblems(source, file, undefined, { path: ['outputs', name], text }));
  return problems;
}

/** Texts of commands, which may hold no expressions. */
function commandTexts(task: TaskEntry): [Path, string][] {
  const found: [Path, string][] = [];
  const take = (path: Path, command: string | readonly string[] | undefined) => {
    if (typeof command === 'string') found.push([path, command]);
    else for (const [i, text] of (command ?? []).entries()) found.push([[...path, i], text]);
  };
  take(['run'], task.run);
  take(['probe'], task.probe);
  const gates = task.gate === undefined ? [] : Array.isArray(task.gate) ? task.gate : [task.gate];
  for (const [i, gate] of gates.entries())
    if ('run' in gate) take(Array.isArray(task.gate) ? ['gate', i, 'run'] : ['gate', 'run'], gate.run);
  return found;
}

function sites(id: string, task: TaskEntry): Site[] {
  const at = (...rest: (string | number)[]): Path => ['tasks', id, ...rest];
  const found: Site[] = [];
  const text = (path: Path, value: unknown, more: Partial<Site> = {}) => {
    if (typeof value === 'string' && hasExpression(value)) found.push({ path, text: value, ...more });
  };
  if (typeof task.when === 'string') found.push({ path: at('when'), text: task.when, bare: true, wants: 'bool' });
  if (typeof task.foreach === 'string') found.push({ path: at('foreach'), text: task.foreach, bare: true, wants: 'list' });
  if (task.until) found.push({ path: at('until', 'when'), text: task.until.when, bare: true, wants: 'bool', names: 'this' });
  text(at('prompt'), task.prompt);
  text(at('approve'), task.approve);
  for (const [name, value] of Object.entries(task.env ?? {})) text(at('env', name), value, { env: true });
  const gates = task.gate === undefined ? [] : Array.isArray(task.gate) ? task.gate : [task.gate];
  gates.forEach((gate, i) => {
    if ('env' in gate)
      for (const [name, value] of Object.entries(gate.env ?? {}))
        text(Array.isArray(task.gate) ? at('gate', i, 'env', name) : at('gate', 'env', name), value, { env: true });
  });
  const open: [Path, unknown][] = Object.entries(task.with ?? {}).map(([name, value]) => [at('with', name), value]);
  for (let item = open.pop(); item; item = open.pop()) {
    const [path, value] = item;
    text(path, value);
    if (typeof value === 'object' && value !== null)
      for (const [key, each] of Object.entries(value)) open.push([[...path, Array.isArray(value) ? Number(key) : key], each]);
  }
  return found;
}

/** The one expression of a text that is nothing else, with its offset. */
export function bareExpression(text: string): { readonly expr: string; readonly at: number } | undefined {
  if (!hasExpression(text)) return { expr: text.trim(), at: text.length - text.trimStart().length };
  const { pieces, unclosed } = split(text.trim());
  const [piece] = pieces;
  return unclosed === undefined && pieces.length === 1 && typeof piece === 'object' ? piece : undefined;
}

function siteProblems(source: Source, file: WorkflowFile, id: string | undefined, site: Site): Problem[] {
  const problems: Problem[] = [];
  const say = (code: ProblemCode, message: string, offset: number) =>
    problems.push({ file: source.file, ...source.inside(site.path, offset), code, message });
  let pieces: { readonly expr: string; readonly at: number }[];
  if (site.bare) {
    const only = bareExpression(site.text);
    if (!only) say('EXPRESSION_SYNTAX', `\`${String(site.path.at(-1))}\` must be one whole expression`, 0);
    pieces = only ? [only] : [];
  } else {
    const found = split(site.text);
    if (found.unclosed !== undefined) say('EXPRESSION_SYNTAX', '`${{` has no end; write `${{ … }}`', found.unclosed);
    pieces = found.pieces.filter((piece) => typeof piece === 'object');
  }
  for (const piece of pieces) {
    const parsed = parseExpression(piece.expr);
    if (!parsed.ok) {
      const { kind, message, at, fix } = parsed.problem;
      say(CODES[kind], fix ? `${message}. ${fix}` : message, piece.at + at);
      continue;
    }
    const before = problems.length;
    for (const { path, at } of parsed.expression.references)
      nameProblem(file, id, site, path, (code, message) => say(code, message, piece.at + at));
    if (problems.length > before || /^secrets\./.test(piece.expr)) continue;
    const names = { ...namesFor(file, id), ...(site.names === 'this' && id !== undefined ? { this: 'dyn' } : {}) };
    const type = checkTypes(piece.expr, environment(names));
    if (typeof type !== 'string') say('EXPRESSION_TYPE', type.message, piece.at + type.at);
    else if (site.wants && type !== 'dyn' && !type.startsWith(site.wants))
      say('EXPRESSION_TYPE', `\`${String(site.path.at(-1))}\` needs a ${site.wants}, this is ${type}`, piece.at);
  }
  return problems;
}

function nameProblem(
  file: WorkflowFile,
  id: string | undefined,
  site: Site,
  path: readonly string[],
  say: (code: ProblemCode, message: string) => void,
): void {
  const [root = '', name] = path;
  const known = Object.keys({ ...namesFor(file, id), ...(site.names === 'this' ? { this: 0 } : {}) });
  if (root === 'secrets') {
    if (!site.env)
      say('SECRET_OUTSIDE_ENV', `\`secrets.${name ?? ''}\` may stand in \`env\` only, so that no prompt, log or fact ever holds it`);
    else if (path.length !== 2 || name === undefined) say('EXPRESSION_UNKNOWN_NAME', 'write `secrets.NAME`');
    else if (!file.secrets?.includes(name))
      say(
        'EXPRESSION_UNKNOWN_NAME',
        `the file does not list the secret "${name}" under \`secrets\`.${didYouMean(name, file.secrets ?? [])}`,
      );
    return;
  }
  if (!known.includes(root))
    say('EXPRESSION_UNKNOWN_NAME', `there is no "${root}" here.${didYouMean(root, known) || ` There are ${known.join(', ')}.`}`);
  else if (root === 'inputs' && name !== undefined && !Object.hasOwn(file.inputs ?? {}, name))
    say('EXPRESSION_UNKNOWN_NAME', `the file has no input "${name}".${didYouMean(name, Object.keys(file.inputs ?? {}))}`);
  else if (root === 'tasks' && name !== undefined) {
    if (!file.tasks[name]) say('EXPRESSION_UNKNOWN_NAME', `there is no task "${name}".${didYouMean(name, Object.keys(file.tasks))}`);
    else if (id === name) say('REFERENCE_NOT_NEEDED', `"${id}" reads its own result`);
    else if (id !== undefined && !neededBy(file.tasks, id).has(name))
      say('REFERENCE_NOT_NEEDED', `"${id}" reads "${name}" and does not need it. Add it: \`needs: [${name}]\``);
  }
}
