/**
 * Programs that are installed outside the system's own folders (a version manager, a project's `node_modules/.bin`) are
 * on the PATH of whoever started Baton. Inside a sandbox they can be read, and nothing beside them: the folder itself, or
 * the installation around it where `bin` and `lib` lie side by side. Never a home folder as a whole.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { CommandText } from '../processes/command-text.ts';
import type { Mount } from '../sandbox/sandbox.ts';

const SYSTEM = /^\/(usr|bin|sbin|lib|lib64|opt\/container)(\/|$)/;
const OTHERS_MAY_ENTER = 0o001;

export function toolMounts(path: string, home: string, owner: { readonly uid: number } | undefined): Mount[] {
  const folders = new Set<string>();
  for (const entry of path.split(':')) {
    if (!isAbsolute(entry) || SYSTEM.test(entry) || !existsSync(entry)) continue;
    for (const folder of [entry, realpathSync(entry)]) {
      const around = installationOf(folder, home);
      if (around !== undefined && (!owner || isOpen(around))) folders.add(around);
    }
  }
  const all = [...folders];
  return all.filter((each) => !all.some((other) => other !== each && each.startsWith(`${other}/`))).map((from) => ({ from }));
}

/** Files that a command of the user's names by their whole path: its program, its script. Never for a command that an agent chose. */
export const namedFiles = (run: CommandText): Mount[] =>
  typeof run === 'string'
    ? []
    : run.filter((word) => isAbsolute(word) && !SYSTEM.test(word) && existsSync(word) && statSync(word).isFile()).map((from) => ({ from }));

function installationOf(folder: string, home: string): string | undefined {
  if (folder === home || folder === '/' || home.startsWith(`${folder}/`)) return undefined;
  if (basename(folder) === '.bin' && basename(dirname(folder)) === 'node_modules') return dirname(folder);
  const prefix = dirname(folder);
  const whole =
    basename(folder) === 'bin' && existsSync(join(prefix, 'lib')) && prefix !== join(home, '.local') && prefix !== home && prefix !== '/';
  return whole ? prefix : folder;
}

/** Can somebody who owns nothing there come in? */
function isOpen(folder: string): boolean {
  for (let at = folder; at !== dirname(at); at = dirname(at)) if ((statSync(at).mode & OTHERS_MAY_ENTER) === 0) return false;
  return true;
}
