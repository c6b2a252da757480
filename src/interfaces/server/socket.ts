/**
 * Where the owner of a home listens: a socket in the user's own runtime folder, which nobody else can enter. The folder
 * is looked at before it is trusted: in a shared /tmp somebody else may have made one of that name.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { BatonError } from '../../errors.ts';

/** Longest address of a socket, in bytes: macOS has 104 with the ending zero, Linux 108. */
const ADDRESS_MAX = 103;

/** Makes the folder where it is missing. @throws BatonError `SOCKET_FOLDER_UNSAFE`, `SOCKET_ADDRESS_TOO_LONG` */
export function socketAddress(home: string, env: Readonly<Record<string, string | undefined>>): string {
  const name = `${createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 16)}.sock`;
  const uid = process.getuid?.() ?? 0;
  const runtime = env['XDG_RUNTIME_DIR'];
  const folders = [
    ...(runtime && isAbsolute(runtime) ? [join(runtime, 'baton')] : []),
    join(tmpdir(), `baton-${uid}`),
    `/tmp/baton-${uid}`,
  ];
  const folder = folders.find((each) => Buffer.byteLength(join(each, name)) <= ADDRESS_MAX && isOwn(each, uid));
  if (folder !== undefined) return join(folder, name);
  throw new BatonError('SOCKET_FOLDER_UNSAFE', `None of ${folders.join(', ')} can hold a socket that is only yours.`, {
    where: folders[0] ?? '',
    hint: 'Set XDG_RUNTIME_DIR (or TMPDIR) to a short path of a folder that belongs to you, with mode 0700.',
  });
}

/** There, a real folder, this user's, and closed to everybody else. */
function isOwn(folder: string, uid: number): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch {
    // It is there already, or can't be made: the next look tells.
  }
  try {
    const stats = lstatSync(folder);
    return stats.isDirectory() && stats.uid === uid && (stats.mode & 0o077) === 0;
  } catch {
    return false;
  }
}
