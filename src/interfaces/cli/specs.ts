import type { CommandSpec } from './command.ts';
import { HOME_SPECS, PEOPLE_SPECS } from './specs-home.ts';
import { RUN_SPECS } from './specs-runs.ts';
import { TREE_SPECS } from './specs-trees.ts';

export const SPECS: readonly CommandSpec[] = [...RUN_SPECS, ...TREE_SPECS, ...PEOPLE_SPECS, ...HOME_SPECS];

export const nameOf = ({ usage }: CommandSpec): string => usage.split(' ', 1)[0] ?? usage;
