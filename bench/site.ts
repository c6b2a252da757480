/** Where measurements happen: a folder on a real disk, and a server on this machine for steps that are an HTTP call. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSystem } from './machine.ts';
import type { Site } from './measure.ts';

const IN_MEMORY = 'tmpfs';

/** @throws Error when there is no disk to measure */
export async function openSite(folder: string | undefined): Promise<Site & { close(): Promise<void> }> {
  const parent = [folder, tmpdir(), '/var/tmp'].find((each) => each !== undefined && fileSystem(each) !== IN_MEMORY);
  if (parent === undefined) throw new Error('Temporary folders are in memory here: name a folder on a disk with --folder.');
  const base = mkdtempSync(join(parent, 'baton-bench-'));
  // PostgreSQL may run as somebody else, who has to come by here.
  chmodSync(base, 0o711);
  const bodies = new Map([0, 1, 32].map((kib) => [`/${kib}`, 'x'.repeat(kib * 1024)]));
  const server = createServer((request, response) => response.end(bodies.get(request.url ?? '')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    base,
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** Where peers are installed, once. */
export function cacheFolder(): string {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'baton-bench');
  mkdirSync(folder, { recursive: true });
  return folder;
}
