/** The tools that Baton brings. Loading this loads all of them; who only needs their names finds them in `names.ts`. */
import { BatonError } from '../../errors.ts';
import { analysisRun } from './analysis/run.ts';
import { filesPatch } from './files/patch.ts';
import { filesList, filesRead } from './files/read.ts';
import { filesSearch } from './files/search.ts';
import { filesDelete, filesEdit, filesWrite } from './files/write.ts';
import { gitDiff, gitLog, gitShow, gitStatus } from './git.ts';
import { knowledgeForget, knowledgeGet, knowledgePut, knowledgeSearch } from './knowledge.ts';
import { type BuiltInName, groupOf, toolProblem } from './names.ts';
import { researchFetch } from './research/fetch.ts';
import { researchSearch } from './research/search.ts';
import { shellRun } from './shell.ts';
import { testRun } from './test/run.ts';
import type { Tool } from './tool.ts';

export type Toolbox = ReadonlyMap<string, Tool>;

const ALL: Readonly<Record<BuiltInName, Tool>> = {
  'files.read': filesRead,
  'files.list': filesList,
  'files.search': filesSearch,
  'files.write': filesWrite,
  'files.edit': filesEdit,
  'files.delete': filesDelete,
  'files.patch': filesPatch,
  'git.status': gitStatus,
  'git.diff': gitDiff,
  'git.log': gitLog,
  'git.show': gitShow,
  'shell.run': shellRun,
  'test.run': testRun,
  'analysis.run': analysisRun,
  'research.fetch': researchFetch,
  'research.search': researchSearch,
  'knowledge.put': knowledgePut,
  'knowledge.search': knowledgeSearch,
  'knowledge.get': knowledgeGet,
  'knowledge.forget': knowledgeForget,
};

export const TOOLS: Toolbox = new Map(Object.entries(ALL));

/** The tools that a list of groups and names allows, in the order of the catalog. @throws BatonError `UNKNOWN_TOOL` */
export const toolsNamed = (names: readonly string[]): Toolbox => {
  for (const name of names) {
    const problem = toolProblem(name);
    if (problem !== undefined) throw new BatonError('UNKNOWN_TOOL', `${problem[0]?.toUpperCase()}${problem.slice(1)}`, { where: name });
  }
  return new Map([...TOOLS].filter(([name]) => names.includes(name) || names.includes(groupOf(name))));
};
