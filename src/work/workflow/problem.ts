/** Everything that can be wrong with a workflow file or `baton.yaml`, as data: where, what, and the likely fix. */
import { didYouMean as guess } from '../../near.ts';

export const PROBLEM_CODES = {
  YAML_SYNTAX: 'The file is not YAML.',
  DUPLICATE_KEY: 'A key stands twice in one map.',
  UNKNOWN_KEY: 'A key that is not known here.',
  WRONG_TYPE: 'A value of the wrong type.',
  MISSING_KEY: 'A key that must be there is not.',
  BAD_ID: 'A task id is not of the form `[a-z][a-z0-9_]*`.',
  UNKNOWN_DEPENDENCY: '`needs` names a task that the file does not have.',
  CYCLE: 'Tasks wait for each other.',
  UNKNOWN_AGENT: 'A task names an agent that nobody defined.',
  UNKNOWN_CAPABILITY: 'No agent has the capability.',
  UNKNOWN_TOOL: 'There is no such tool.',
  SEVERAL_KINDS: 'A task or agent must be of exactly one kind.',
  EXPRESSION_SYNTAX: 'An expression is not CEL.',
  EXPRESSION_TYPE: 'An expression can’t be right for its types.',
  EXPRESSION_UNKNOWN_NAME: 'An expression uses a name that is not there.',
  EXPRESSION_IN_COMMAND: 'Data reaches a command through `env`, never through its text.',
  SECRET_OUTSIDE_ENV: 'Secrets may stand in `env` only.',
  REFERENCE_NOT_NEEDED: 'An expression reads a task that this one does not need.',
  BAD_DURATION: 'Not a duration such as `90s`, `20m` or `1h30m`.',
  BAD_GLOB: 'Not a glob of paths inside the project.',
  BAD_SCHEMA: 'Not a JSON Schema that can be checked.',
  USES_NOT_FOUND: 'The used workflow can’t be read.',
  USES_RECURSION: 'A workflow uses itself, directly or through others.',
  LIMIT_TOO_LARGE: 'A limit above what is allowed.',
  FILE_TOO_LARGE: 'The file is larger than 1 MiB.',
  ALIAS_BOMB: 'Aliases multiply the file beyond limits.',
  NOT_YET: 'This version can’t do that yet.',
} as const;
export type ProblemCode = keyof typeof PROBLEM_CODES;

export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly code: ProblemCode;
  readonly message: string;
}

/** `release.yaml:31:13  UNKNOWN_DEPENDENCY  task "notes" needs "lgo" …` */
export const formatProblem = ({ file, line, column, code, message }: Omit<Problem, 'code'> & { readonly code: string }): string =>
  `${file}:${line}:${column}  ${code}  ${message}`;

export const sortProblems = (problems: readonly Problem[]): Problem[] =>
  [...problems].sort((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1));

/** Longer names, and more of them, are not compared: a hostile file would make that take for ever. */
const COMPARED_LENGTH_MAX = 64;
const COMPARED_MAX = 500;

/** ` Did you mean "log"?`, or nothing when no name is near. */
export const didYouMean = (name: string, known: Iterable<string>, besides?: string): string => {
  if (name.length > COMPARED_LENGTH_MAX) return '';
  const compared: string[] = [];
  for (const each of known) {
    if (compared.length >= COMPARED_MAX) return '';
    if (each.length <= COMPARED_LENGTH_MAX && each !== besides) compared.push(each);
  }
  const found = guess(name, compared);
  return found === undefined ? '' : ` Did you mean "${found}"?`;
};
