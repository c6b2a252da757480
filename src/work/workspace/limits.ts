/** How long single steps on a workspace may take. Each is a setting: `workspace.timeouts` in baton.yaml. */
import type { Limit } from './git.ts';

/** All in milliseconds. */
export interface StepLimits {
  /** To read the user's whole tree, at the begin of a run. */
  readonly snapshot: number;
  /** To read what changed in a workspace, for each 10,000 files or 100 MB that it has. */
  readonly checkpoint: number;
  /** To walk through a workspace. */
  readonly scan: number;
  readonly diff: number;
  readonly merge: number;
  /** To write a tree into a folder. */
  readonly checkout: number;
}
export const STEP_LIMITS_DEFAULT: StepLimits = {
  snapshot: 120_000,
  checkpoint: 5_000,
  scan: 5_000,
  diff: 5_000,
  merge: 30_000,
  checkout: 120_000,
};

/** As git is told of it. */
export const limitOf = (limits: StepLimits, name: keyof StepLimits, times = 1): Limit => ({
  name: `workspace.timeouts.${name}`,
  ms: Math.round(limits[name] * times),
});

const [FILES, BYTES] = [10_000, 100 * 2 ** 20];
/** How often the limit of a checkpoint counts. */
export const sizeOf = ({ files, bytes }: { readonly files: number; readonly bytes: number }): number =>
  Math.max(1, files / FILES, bytes / BYTES);
