/** Checks every expression of a file: where it stands, its syntax, its names and its types. */
import {
  checkTypes,
  type Expression,
  type ExpressionProblem,
  environment,
  isMixedNumbers,
  MIXED_NUMBERS,
  parseExpression,
  type Shape,
} from '../expressions/cel.ts';
import { hasExpression, split } from '../expressions/template.ts';
import type { Path, Source } from './document.ts';
import { type Needs, needsAmong, needsOf, taskNamed } from './names.ts';
import { didYouMean, type Problem, type ProblemCode } from './problem.ts';
import type { WorkflowFile } from './schema.ts';
import { commandsOf, type FoundPiece, piecesOf, type Site, sitesOf, textsIn } from './sites.ts';
import { type FileNames, type Known, map, namesOf, project, unknownStep } from './types.ts';

export interface ExpressionFacts {
  readonly damaged: ReadonlySet<string>;
  /** Tasks wait for each other, so who needs whom means nothing. */
  readonly cyclic: boolean;
  /** Outputs of the workflow that a task uses, where it could be read. */
  readonly usedOutputs: (id: string) => readonly string[] | undefined;
}

interface Work {
  readonly source: Source;
  readonly file: WorkflowFile;
  readonly facts: ExpressionFacts;
  readonly names: FileNames;
  readonly needs: Needs;
  /** Types of expressions that were checked already, by text and what was known of their names. */
  readonly types: Map<string, string | ExpressionProblem>;
  say(code: ProblemCode, message: string, path: Path, offset: number): void;
}

const CODES: Readonly<Record<ExpressionProblem['kind'], ProblemCode>> = {
  syntax: 'EXPRESSION_SYNTAX',
  type: 'EXPRESSION_TYPE',
  'unknown-name': 'EXPRESSION_UNKNOWN_NAME',
};

export function expressionProblems(source: Source, file: WorkflowFile, facts: ExpressionFacts): Problem[] {
  const problems: Problem[] = [];
  const work: Work = {
    source,
    file,
    facts,
    names: namesOf(file, facts.damaged, facts.usedOutputs),
    needs: needsAmong(file.tasks),
    types: new Map(),
    say: (code, message, path, offset) => problems.push({ file: source.file, ...source.inside(path, offset), code, message }),
  };
  const looked = new Set<string>();
  for (const [id, task] of Object.entries(file.tasks))
    for (const { path, text } of commandsOf(id, task)) {
      looked.add(JSON.stringify(path));
      inCommand(work, path, text);
    }
  for (const site of sitesOf(file)) {
    looked.add(JSON.stringify(site.path));
    checkSite(work, site);
  }
  for (const [path, text] of textsIn([], file)) if (hasExpression(text) && !looked.has(JSON.stringify(path))) elsewhere(work, path, text);
  return problems;
}

const firstOf = (text: string): FoundPiece | undefined => split(text).pieces.find((piece) => typeof piece === 'object');

function inCommand({ say }: Work, path: Path, text: string): void {
  const piece = firstOf(text);
  if (!piece) return;
  say(
    'EXPRESSION_IN_COMMAND',
    `data reaches a command through \`env\`, never through its text. Write \`env: { VALUE: "\${{ ${piece.expr} }}" }\` and use "$VALUE"`,
    path,
    piece.at,
  );
}

/** Texts that are never filled in: an expression there would go on as it is. */
function elsewhere(work: Work, path: Path, text: string): void {
  const piece = firstOf(text);
  const [section, , key] = path;
  if (path.at(-1) === 'description' || (section === 'name' && path.length === 1) || !piece) return;
  const where = `\`${path.filter((step) => typeof step === 'string').join('.')}\``;
  if (section === 'agents' && key === 'command') inCommand(work, path, text);
  else if (/\bsecrets\b/.test(piece.expr))
    work.say('SECRET_OUTSIDE_ENV', `secrets may stand in \`env\` only, and ${where} takes no expressions at all`, path, piece.at);
  else
    work.say(
      'EXPRESSION_SYNTAX',
      `${where} takes no expressions; they may stand in prompt, env, with, when, foreach, until, approve and outputs`,
      path,
      piece.at,
    );
}

function checkSite(work: Work, site: Site): void {
  const { pieces, wrong } = piecesOf(site);
  if (wrong) work.say('EXPRESSION_SYNTAX', wrong.message, site.path, wrong.at);
  for (const piece of pieces) checkPiece(work, site, piece);
}

function checkPiece(work: Work, site: Site, piece: FoundPiece): void {
  const say: SayAt = (code, message, offset = 0) => work.say(code, message, site.path, piece.at + offset);
  const parsed = parseExpression(piece.expr);
  if (!parsed.ok) {
    const { kind, message, at, fix } = parsed.problem;
    say(CODES[kind], fix ? `${message}. ${fix}` : message, at);
    return;
  }
  if (parsed.expression.references.some(({ path }) => path[0] === 'secrets')) checkSecret(work, site, piece, say);
  else if (checkNames(work, site, parsed.expression, say)) checkType(work, site, parsed.expression, say);
}

type SayAt = (code: ProblemCode, message: string, offset?: number) => void;

const namesAt = ({ names }: Work, { id, around }: Site) => names.at({ ...(id === undefined ? {} : { id }), around });

function checkNames(work: Work, site: Site, { references }: Expression, say: SayAt): boolean {
  const names = namesAt(work, site);
  let known = true;
  for (const { path, at } of references) known = checkName(work, site, names, path, (code, message) => say(code, message, at)) && known;
  return known;
}

function checkType(work: Work, site: Site, expression: Expression, say: SayAt): void {
  const shapes = shapesFor(namesAt(work, site), expression);
  const key = `${expression.text}\n${JSON.stringify(shapes)}`;
  const type = work.types.get(key) ?? checkTypes(expression.text, environment(shapes));
  work.types.set(key, type);
  if (typeof type !== 'string') say('EXPRESSION_TYPE', typeMessage(type.message), type.at);
  else if (site.wants && type !== 'dyn' && !type.startsWith(site.wants)) {
    const wanted = site.wants === 'bool' ? 'true or false' : 'a list';
    say('EXPRESSION_TYPE', `\`${String(site.path.at(-1))}\` needs ${wanted}, and this is ${type}`);
  }
}

const typeMessage = (message: string): string => (isMixedNumbers(message) ? `${message}. ${MIXED_NUMBERS}` : message);

const NAME_ONLY = /^secrets\.([A-Za-z_]\w*)$/;

function checkSecret({ file, facts }: Work, site: Site, { expr }: FoundPiece, say: SayAt): void {
  const name = NAME_ONLY.exec(expr)?.[1];
  if (!site.secrets) say('SECRET_OUTSIDE_ENV', 'secrets may stand in `env` only, so that no prompt, log or fact ever holds one');
  else if (name === undefined)
    say('EXPRESSION_TYPE', 'a secret stands alone, as in `Bearer ${{ secrets.NAME }}`; nothing is computed with its value');
  else if (!file.secrets?.includes(name) && !facts.damaged.has('secrets'))
    say('EXPRESSION_UNKNOWN_NAME', `the file does not list the secret "${name}" under \`secrets\`.${didYouMean(name, file.secrets ?? [])}`);
}

/** @returns false when the name can't be used here */
function checkName(
  work: Work,
  { id }: Site,
  names: Readonly<Record<string, Known>>,
  path: readonly string[],
  say: (code: ProblemCode, message: string) => void,
): boolean {
  const [root = '', name] = path;
  const { file, facts, needs } = work;
  if (!Object.hasOwn(names, root)) {
    const there = Object.keys(names);
    say('EXPRESSION_UNKNOWN_NAME', `there is no "${root}" here.${didYouMean(root, there) || ` There are ${there.join(', ')}.`}`);
    return false;
  }
  const missing = unknownStep(map(names), path);
  if (missing && (!missing.open || isSlip(path[missing.step] ?? '', missing.there))) {
    const what =
      root === 'inputs' && missing.step === 1
        ? 'the file has no input'
        : root === 'tasks' && missing.step === 1
          ? 'there is no task'
          : `\`${path.slice(0, missing.step).join('.')}\` has no`;
    const wrong = path[missing.step] ?? '';
    const all = missing.there.length > 0 && missing.there.length < 12 ? ` It has ${missing.there.join(', ')}.` : '';
    say('EXPRESSION_UNKNOWN_NAME', `${what} "${wrong}".${didYouMean(wrong, missing.there) || (missing.step > 1 ? all : '')}`);
    return false;
  }
  if (root !== 'tasks') return true;
  const need = name ?? '';
  if (need === '') {
    say('EXPRESSION_TYPE', 'name the task itself, as in `tasks.log`: which tasks are read must be known before the run');
    return false;
  }
  if (id === undefined) return true;
  if (need === id) say('REFERENCE_NOT_NEEDED', `"${id}" reads its own result, which is not there yet`);
  else if (facts.cyclic || facts.damaged.has(`tasks.${id}`) || needsOf(taskNamed(file, id) ?? {}).includes(need) || needs(id, need))
    return true;
  else
    say(
      'REFERENCE_NOT_NEEDED',
      `"${id}" reads "${need}" and does not need it. Add it: \`needs: [${[...needsOf(taskNamed(file, id) ?? {}), need].join(', ')}]\``,
    );
  return false;
}

/** A map that may have other fields is given the benefit of the doubt, unless a name is a known one with a slip in it. */
const isSlip = (name: string, there: readonly string[]): boolean => name.length > 4 && didYouMean(name, there) !== '';

function shapesFor(names: Readonly<Record<string, Known>>, { references }: Expression): Record<string, Shape> {
  const shapes: Record<string, Shape> = {};
  for (const [root = ''] of references.map(({ path }) => path)) {
    const known = Object.hasOwn(names, root) ? names[root] : undefined;
    if (known !== undefined)
      shapes[root] ??= project(
        known,
        references.filter(({ path }) => path[0] === root).map(({ path }) => path.slice(1)),
      );
  }
  return shapes;
}
