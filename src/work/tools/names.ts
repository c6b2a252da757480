/**
 * The names of the tools that Baton brings, and what must be known of each before it is needed: most commands of Baton
 * only ask whether there is one, and need not load what it is made of.
 */
import { didYouMean } from '../../near.ts';
import type { Tool } from './tool.ts';

/** `group.verb`: the same call again leaves things as the first did, or it does not. */
export const BUILT_IN = {
  'files.read': { effects: 'read', idempotent: true },
  'files.list': { effects: 'read', idempotent: true },
  'files.search': { effects: 'read', idempotent: true },
  'files.write': { effects: 'write', idempotent: true },
  'files.edit': { effects: 'write', idempotent: false },
  'files.delete': { effects: 'write', idempotent: false },
  'files.patch': { effects: 'write', idempotent: false },
  'git.status': { effects: 'read', idempotent: true },
  'git.diff': { effects: 'read', idempotent: true },
  'git.log': { effects: 'read', idempotent: true },
  'git.show': { effects: 'read', idempotent: true },
  'shell.run': { effects: 'execute', idempotent: false },
  'test.run': { effects: 'execute', idempotent: true },
  'analysis.run': { effects: 'execute', idempotent: true },
  'research.fetch': { effects: 'read', idempotent: true },
  'research.search': { effects: 'read', idempotent: true },
  'knowledge.put': { effects: 'write', idempotent: true },
  'knowledge.search': { effects: 'read', idempotent: true },
  'knowledge.get': { effects: 'read', idempotent: true },
  'knowledge.forget': { effects: 'write', idempotent: true },
} as const satisfies Readonly<Record<string, Pick<Tool, 'effects' | 'idempotent'>>>;
export type BuiltInName = keyof typeof BUILT_IN;

export const isBuiltIn = (name: string): name is BuiltInName => Object.hasOwn(BUILT_IN, name);

export const groupOf = (name: string): string => name.slice(0, name.indexOf('.'));

const isListed = (name: string, listed: readonly string[]): boolean => listed.includes(name) || listed.includes(groupOf(name));

/** Can whoever is allowed these (groups, or single ones) change files on purpose? Running tests is no way to do that. */
export const canWriteFiles = (listed: readonly string[]): boolean =>
  Object.entries(BUILT_IN).some(([name, { effects }]) => (effects === 'write' || name === 'shell.run') && isListed(name, listed));

export const canReadFiles = (listed: readonly string[]): boolean => isListed('files.read', listed) || isListed('shell.run', listed);

/** Everything that may stand in a list of tools: groups, and single ones. */
const LISTABLE: readonly string[] = [...new Set(Object.keys(BUILT_IN).map(groupOf)), ...Object.keys(BUILT_IN)];

/** Why a name in such a list can't be; undefined when it can. */
export const toolProblem = (name: string): string | undefined => {
  if (LISTABLE.includes(name)) return undefined;
  const guess = didYouMean(name.slice(0, NAME_MAX), LISTABLE);
  return `there is no tool "${name.slice(0, NAME_MAX)}".${guess === undefined ? ` There are ${LISTABLE.join(', ')}.` : ` Did you mean "${guess}"?`}`;
};
const NAME_MAX = 80;
