import type { CommandSpec } from './command.ts';
import { HOME_SPECS, PEOPLE_SPECS } from './specs-home.ts';
import { RUN_SPECS } from './specs-runs.ts';

export const SPECS: readonly CommandSpec[] = [...RUN_SPECS, ...PEOPLE_SPECS, ...HOME_SPECS];

export const nameOf = ({ usage }: CommandSpec): string => usage.split(' ', 1)[0] ?? usage;
