/** What promotions ask of git, in the store: which files differ, what is in them, and a tree with some of them put back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { git, textOf } from './git.ts';
import type { Exchange } from './promotion-roll.ts';
import type { Commit } from './workspace.ts';

const NOTHING = '000000';
/** File contents that are read at once, in bytes, unless one alone has more. */
const BATCH_BYTES = 32 * 2 ** 20;

/** In the order of git, numbered. Renames are a deletion and an addition. */
export async function exchangesBetween(store: string, before: Commit, after: Commit): Promise<Exchange[]> {
  const raw = await git(store, ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--full-index', before, after]);
  const fields = raw.toString().split('\0');
  const exchanges: Exchange[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [fromMode = '', toMode = '', fromBlob, toBlob] = (fields[i] ?? '').slice(1).split(' ');
    exchanges.push({
      n: exchanges.length,
      path: fields[i + 1] ?? '',
      ...(fromMode === NOTHING ? {} : { from: `${fromMode}:${fromBlob}` }),
      ...(toMode === NOTHING ? {} : { to: `${toMode}:${toBlob}` }),
    });
  }
  return exchanges;
}

export interface Wanted {
  readonly blob: string;
  /** In bytes. */
  readonly size: number;
}

/** Contents, in the order asked for. */
export async function* contents<T extends Wanted>(
  store: string,
  wanted: readonly T[],
): AsyncGenerator<{ readonly of: T; readonly bytes: Buffer }> {
  for (const batch of batches(wanted)) {
    const out = await git(store, ['cat-file', '--batch'], { input: batch.map(({ blob }) => `${blob}\n`).join('') });
    let at = 0;
    for (const of of batch) {
      const begins = out.indexOf('\n', at) + 1;
      const [, type, size] = out
        .subarray(at, begins - 1)
        .toString()
        .split(' ');
      if (type !== 'blob') throw new Error(`${of.blob} is ${type}, not a blob`);
      at = begins + Number(size) + 1;
      yield { of, bytes: out.subarray(begins, at - 1) };
    }
  }
}

function* batches<T extends Wanted>(wanted: readonly T[]): Generator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const each of wanted) {
    if (batch.length > 0 && bytes + each.size > BATCH_BYTES) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(each);
    bytes += each.size;
  }
  if (batch.length > 0) yield batch;
}

/** What each new symbolic link points to. */
export async function linksOf(store: string, exchanges: readonly Exchange[]): Promise<ReadonlyMap<string, string>> {
  const wanted = exchanges.flatMap(({ path, to }) =>
    to?.startsWith('120000:') ? [{ path, blob: to.slice('120000:'.length), size: 0 }] : [],
  );
  const links = new Map<string, string>();
  for await (const { of, bytes } of contents(store, wanted)) links.set(of.path, bytes.toString());
  return links;
}

/** A commit whose tree is that of another with some files exchanged. */
export async function commitWith(store: string, before: Commit, exchanges: readonly Exchange[], message: string): Promise<Commit> {
  const folder = mkdtempSync(join(store, 'index-'));
  const index = join(folder, 'index');
  try {
    await git(store, ['read-tree', before], { index });
    // Those that go come first: one may be where a folder will be.
    const lines = exchanges
      .toSorted((a, b) => Number(a.to !== undefined) - Number(b.to !== undefined))
      .map(({ path, from = '', to }) => {
        const [mode, blob] = to === undefined ? [NOTHING, '0'.repeat(from.split(':')[1]?.length ?? 0)] : to.split(':');
        return `${mode} ${blob}\t${path}\0`;
      });
    await git(store, ['update-index', '-z', '--index-info'], { index, input: lines.join('') });
    const tree = await git(store, ['write-tree'], { index });
    return textOf(await git(store, ['commit-tree', textOf(tree), '-p', before, '-m', message]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
