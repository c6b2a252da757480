/**
 * Folders that a home has elsewhere. Root works for a sandbox that is another user, who can't come by root's own folders:
 * there, work and trees are below one folder for each home.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HomePaths } from '../engine/journal/home.ts';

export interface WorkPlaces {
  readonly work: string;
  readonly trees: string;
  readonly sockets: string;
}

/** Where a home's folders are that somebody else than root has to come by. */
const ROOT_PLACE = '/var/lib/baton';

const isRoot = (): boolean => process.getuid?.() === 0;

export const homeIdOf = (home: string): string => createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 16);

/** Makes nothing. */
export function workPlacesOf(paths: HomePaths, homeId: string): WorkPlaces {
  const base = isRoot() ? join(ROOT_PLACE, homeId) : undefined;
  return {
    work: base ? join(base, 'work') : paths.work,
    trees: base ? join(base, 'trees') : join(paths.home, 'trees'),
    sockets: base ? join(base, 's') : join(tmpdir(), `baton-${homeId.slice(0, 10)}`),
  };
}

export function openWorkPlaces(paths: HomePaths, homeId: string): WorkPlaces {
  const root = isRoot();
  const mode = root ? 0o711 : 0o700;
  const base = join(ROOT_PLACE, homeId);
  if (root) for (const folder of [ROOT_PLACE, base]) mkdirSync(folder, { recursive: true, mode });
  const places = workPlacesOf(paths, homeId);
  for (const folder of Object.values(places)) mkdirSync(folder, { recursive: true, mode });
  // The name of a folder for everybody's use can be guessed, and somebody else may have made it first.
  return isOurs(places.sockets) ? places : { ...places, sockets: mkdtempSync(join(tmpdir(), 'baton-')) };
}

const FOR_OTHERS = 0o066;
function isOurs(folder: string): boolean {
  const { uid, mode } = lstatSync(folder);
  return uid === process.getuid?.() && (mode & FOR_OTHERS) === 0;
}
