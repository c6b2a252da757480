/**
 * Can the user inside come by what is mounted? When Baton is root, bubblewrap itself runs as that other user and has to
 * find every path; a folder of root's on the way is closed to it, and what it would say of that is of no help.
 */
import { spawnSync } from 'node:child_process';
import { realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { BatonError } from '../../errors.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}
type Right = 'read' | 'write' | 'enter';
const BITS = { read: 4, write: 2, enter: 1 } as const;

/** @throws BatonError `SANDBOX_UNREACHABLE`, with the folder that is closed and the remedy. */
export function refuseUnreachable(path: string, owner: Owner | undefined, right: Right): void {
  const found = resolved(path);
  if (owner === undefined) return;
  for (const folder of above(found))
    if (!may(folder, owner, 'enter'))
      throw unreachable(path, `uid ${owner.uid} may not enter ${folder}`, folder, [
        `Move it to a folder that others may enter, or let them pass: chmod o+x ${folder}.`,
        'Or do not run Baton as root.',
      ]);
  if (!may(found, owner, right))
    throw unreachable(path, `uid ${owner.uid} may not ${right} it`, found, [
      right === 'read' ? `Open it: chmod o+rX ${found}.` : `Make it theirs: chown -R ${owner.uid}:${owner.gid} ${found}.`,
    ]);
}

/** The first of several programs that the user inside could start. */
export const startable = (programs: readonly string[], owner: Owner | undefined): string | undefined =>
  programs.find((program) => {
    try {
      refuseUnreachable(program, owner, 'enter');
      refuseUnreachable(program, owner, 'read');
      return true;
    } catch {
      return false;
    }
  });

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw new BatonError('SANDBOX_UNREACHABLE', `${path} can't be shown in the sandbox: it is not there.`, {
      where: path,
      hint: 'Make it first, or leave it out.',
      cause: error,
    });
  }
}

/** The folders on the way, from the top. */
function above(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [] : [...above(folder), folder];
}

/** What the mode does not grant, a list of rights may: the system is asked as that user before anybody is refused. */
const may = (path: string, owner: Owner, right: Right): boolean =>
  grants(statSync(path), owner, right) ||
  spawnSync('/usr/bin/test', [`-${{ read: 'r', write: 'w', enter: 'x' }[right]}`, path], owner).status === 0;

function grants({ mode, uid, gid }: Stats, owner: Owner, right: Right): boolean {
  const whose = uid === owner.uid ? 6 : gid === owner.gid ? 3 : 0;
  return ((mode >> whose) & BITS[right]) !== 0;
}

const unreachable = (path: string, why: string, where: string, hints: readonly string[]): BatonError =>
  new BatonError('SANDBOX_UNREACHABLE', `${path} can't be used from inside the sandbox: ${why}.`, { where, hint: hints.join(' ') });
