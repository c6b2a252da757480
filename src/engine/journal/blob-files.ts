/**
 * Large payloads as files named by their hash, compressed. Each is on the disk, folder entry included, before the fact
 * that names it is stored.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Hash } from '../kernel/plan.ts';
import { PAYLOAD_MAX } from './journal.ts';
import { corrupt, storageError } from './storage-error.ts';

/** Payloads up to this size, in bytes, are rows of the journal's own transaction; larger ones are files. */
export const SMALL_MAX = 256 * 1024;
const END = '.zst';

export class BlobFiles {
  private readonly folder: string;
  constructor(folder: string) {
    this.folder = folder;
  }

  path(hash: Hash): string {
    return join(this.folder, hash.slice(0, 2), `${hash}${END}`);
  }

  has(hash: Hash): boolean {
    return existsSync(this.path(hash));
  }

  put(hash: Hash, payload: Uint8Array): void {
    const path = this.path(hash);
    if (existsSync(path)) return;
    const temporary = `${path}.${randomUUID()}`;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const file = openSync(temporary, 'wx', 0o600);
      try {
        writeFileSync(file, zstdCompressSync(payload, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
      sync(dirname(path));
      sync(this.folder);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw storageError(error, path);
    }
  }

  get(hash: Hash): Uint8Array | undefined {
    const path = this.path(hash);
    let stored: Uint8Array;
    try {
      stored = readFileSync(path);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw storageError(error, path);
    }
    try {
      return zstdDecompressSync(stored, { maxOutputLength: PAYLOAD_MAX });
    } catch (cause) {
      throw corrupt(path, 'it can’t be unpacked', cause);
    }
  }

  *all(): Iterable<Hash> {
    for (const name of this.names()) if (name.endsWith(END)) yield basename(name, END);
  }

  remove(hash: Hash): void {
    rmSync(this.path(hash), { force: true });
  }

  /** Removes what a crash left half written. */
  removeUnfinished(): void {
    for (const name of this.names()) if (!name.endsWith(END)) rmSync(join(this.folder, name), { force: true });
  }

  private names(): string[] {
    if (!existsSync(this.folder)) return [];
    return readdirSync(this.folder).flatMap((prefix) => readdirSync(join(this.folder, prefix)).map((name) => join(prefix, name)));
  }
}

function sync(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
