/** The tools that Baton brings, by name, and in groups as an agent's configuration names them. */
import { BatonError } from '../../errors.ts';
import { didYouMean } from '../../near.ts';
import { analysisRun } from './analysis/run.ts';
import { filesPatch } from './files/patch.ts';
import { filesList, filesRead } from './files/read.ts';
import { filesSearch } from './files/search.ts';
import { filesDelete, filesEdit, filesWrite } from './files/write.ts';
import { gitDiff, gitLog, gitShow, gitStatus } from './git.ts';
import { shellRun } from './shell.ts';
import { testRun } from './test/run.ts';
import type { Tool } from './tool.ts';

export type Toolbox = ReadonlyMap<string, Tool>;

export const TOOLS: Toolbox = new Map(
  [
    filesRead,
    filesList,
    filesSearch,
    filesWrite,
    filesEdit,
    filesDelete,
    filesPatch,
    gitStatus,
    gitDiff,
    gitLog,
    gitShow,
    shellRun,
    testRun,
    analysisRun,
  ].map((tool) => [tool.name, tool]),
);

const groupOf = (name: string): string => name.slice(0, name.indexOf('.'));
const GROUPS: ReadonlySet<string> = new Set([...TOOLS.keys()].map(groupOf));

/** Everything that may stand in a list of tools: groups, and single tools. */
export const toolNames = (): readonly string[] => [...GROUPS, ...TOOLS.keys()];

/** Why a name in such a list can't be; undefined when it can. */
export const toolProblem = (name: string): string | undefined => {
  if (GROUPS.has(name) || TOOLS.has(name)) return undefined;
  const guess = didYouMean(name, toolNames());
  return `there is no tool "${name.slice(0, 80)}".${guess === undefined ? ` There are ${toolNames().join(', ')}.` : ` Did you mean "${guess}"?`}`;
};

/** The tools that a list of groups and names allows, in the order of the catalog. @throws BatonError `UNKNOWN_TOOL` */
export const toolsNamed = (names: readonly string[], from: Toolbox = TOOLS): Toolbox => {
  for (const name of names) {
    const problem = toolProblem(name);
    if (problem !== undefined) throw new BatonError('UNKNOWN_TOOL', `${problem[0]?.toUpperCase()}${problem.slice(1)}`, { where: name });
  }
  return new Map([...from].filter(([name]) => names.includes(name) || names.includes(groupOf(name))));
};
