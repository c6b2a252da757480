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
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Hash } from '../kernel/plan.ts';
import { storageError } from './storage-error.ts';

export class BlobFiles {
  private readonly folder: string;
  constructor(folder: string) {
    this.folder = folder;
  }

  path(hash: Hash): string {
    return join(this.folder, hash.slice(0, 2), `${hash}.zst`);
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
        writeSync(file, zstdCompressSync(payload));
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
    try {
      return zstdDecompressSync(readFileSync(path));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw storageError(error, path);
    }
  }

  *all(): Iterable<Hash> {
    for (const prefix of existsSync(this.folder) ? readdirSync(this.folder) : [])
      for (const name of readdirSync(join(this.folder, prefix))) if (name.endsWith('.zst')) yield name.slice(0, -'.zst'.length);
  }

  /** Removes a payload and returns the bytes that were freed. */
  remove(hash: Hash): number {
    const path = this.path(hash);
    const size = existsSync(path) ? statSync(path).size : 0;
    rmSync(path, { force: true });
    return size;
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
