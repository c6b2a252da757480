/** Goes through a folder of the workspace and everything below it, depth first and by name, without following a link. */
import type { FileHandle } from 'node:fs/promises';
import { type Entry, entriesOf, openFolder, openStep, stepsOf } from './access.ts';

export interface Visited {
  /** Relative to the workspace. */
  readonly path: string;
  readonly entry: Entry;
  /** The open folder that it is in; only until the next one is asked for. */
  readonly parent: FileHandle;
}

export interface TreeOptions {
  readonly depthMax: number;
  readonly signal: AbortSignal;
}

/** Named, and not entered unless the search begins in them. */
const NOT_ENTERED: ReadonlySet<string> = new Set(['node_modules']);

/** @throws BatonError `FILE_NOT_FOUND`, `NOT_A_FOLDER`; the signal's reason */
export async function* treeOf(root: string, path: string, options: TreeOptions): AsyncGenerator<Visited> {
  await using folder = await openFolder(root, stepsOf(path));
  yield* below(folder, path === '.' ? '' : `${path}/`, options.depthMax, options.signal);
}

async function* below(folder: FileHandle, prefix: string, depth: number, signal: AbortSignal): AsyncGenerator<Visited> {
  for (const entry of await entriesOf(folder)) {
    signal.throwIfAborted();
    if (entry.name === '.git') continue;
    const path = prefix + entry.name;
    yield { path, entry, parent: folder };
    if (entry.kind !== 'folder' || depth <= 1 || NOT_ENTERED.has(entry.name)) continue;
    // What was there a moment ago may be gone, or be a link by now.
    const inner = await openStep(folder, entry.name, path).catch(() => undefined);
    if (inner === undefined) continue;
    try {
      yield* below(inner, `${path}/`, depth - 1, signal);
    } finally {
      await inner.close();
    }
  }
}
