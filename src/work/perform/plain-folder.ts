/** Folders in a checkout where somebody may have put a link: gone into step by step, and made where they are missing. */
import { chown, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError } from '../../errors.ts';

/**
 * For when nobody works there: whoever does could exchange a folder behind us.
 * @param folder relative to `top`; without one it is the top itself @throws BatonError `NOT_A_FOLDER`
 */
export async function plainFolder(top: string, folder: string | undefined): Promise<string> {
  let at = top;
  for (const name of folder === undefined || folder === '.' ? [] : folder.split('/')) {
    const above = at;
    at = join(above, name);
    const stats = await lstat(at).catch(() => undefined);
    if (stats?.isDirectory()) continue;
    if (stats)
      throw new BatonError('NOT_A_FOLDER', `"${folder}" can't be used in this workspace: ${at.slice(top.length + 1)} is no folder.`, {
        where: at,
        hint: 'A task has put a link or a file there: put it back with `baton rollback`, or begin again.',
      });
    await mkdir(at);
    // As root, what is made in somebody's folder is theirs.
    if (process.getuid?.() === 0) await lstat(above).then(({ uid, gid }) => chown(at, uid, gid));
  }
  return at;
}
