/**
 * Paths in the workspace that can't be written. Each is mounted on itself, read-only, and so is every folder above it,
 * writable: a folder that something is mounted on can't be renamed, and another put in its place.
 *
 * The workspace belongs to somebody who isn't trusted, and who may exchange a path for a link between our look at it and
 * the mount. What was looked at is therefore compared inside with what got mounted, before the command starts.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { refused } from './request.ts';

export interface Held {
  /** Relative to the workspace, in the order to mount them in. */
  readonly path: string;
  readonly write: boolean;
  /** `device:inode`, as `stat -c %d:%i` prints it. */
  readonly id: string;
}

/**
 * A path that is not there is not held.
 * @throws BatonError `SANDBOX_REQUEST` for a link: what it leads to can be anything
 */
export function heldPaths(workspace: string, readOnly: readonly string[]): readonly Held[] {
  const outermost = [...new Set(readOnly)].filter((path) => !readOnly.some((other) => path.startsWith(`${other}/`)));
  const there = outermost.map((path) => wayTo(workspace, path)).filter((way) => way !== undefined);
  const above = new Map(there.flatMap((way) => way.slice(0, -1).map((each) => [each.path, each])));
  return [...[...above.values()].sort((a, b) => a.path.length - b.path.length), ...there.flatMap((way) => way.slice(-1))];
}

/** The folders above a path, and the path itself. */
function wayTo(workspace: string, path: string): readonly Held[] | undefined {
  const parts = path.split('/');
  const way: Held[] = [];
  for (let i = 1; i <= parts.length; i++) {
    const step = parts.slice(0, i).join('/');
    const stats = lstatSync(join(workspace, step), { bigint: true, throwIfNoEntry: false });
    if (stats === undefined || (i < parts.length && !stats.isDirectory() && !stats.isSymbolicLink())) return undefined;
    if (stats.isSymbolicLink()) throw refused(`${step} in the workspace is a link, and a link can't be held read-only`);
    way.push({ path: step, write: i < parts.length, id: `${stats.dev}:${stats.ino}` });
  }
  return way;
}
