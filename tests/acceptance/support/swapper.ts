/**
 * A thread that swaps under somebody's feet, as fast as it can, while it is told to: a folder for a link to the outside
 * and back, and a file in it for a link or a second name of a file outside and back.
 */
import { linkSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** In the shared memory: what it is told, whether it rests, and how often each kind of swap has really happened. */
const [GO, RESTS, FOLDERS, LINKS, NAMES] = [0, 1, 2, 3, 4];
const FILE = 't.txt';

export interface Swapped {
  readonly folders: number;
  readonly links: number;
  readonly names: number;
}

export class Swapper {
  private readonly shared = new Int32Array(new SharedArrayBuffer(64));
  private readonly thread: Worker;

  /** @param folder is swapped; beside it are its own names while it is away */
  constructor(folder: string, outside: string) {
    this.thread = new Worker(new URL(import.meta.url), { workerData: { folder, outside, shared: this.shared } });
  }
  begin(): void {
    Atomics.store(this.shared, RESTS, 0);
    Atomics.store(this.shared, GO, 1);
    Atomics.notify(this.shared, GO);
  }
  /** When it returns, the folder is a folder again, and nobody swaps. */
  rest(): void {
    Atomics.store(this.shared, GO, 0);
    while (Atomics.load(this.shared, RESTS) === 0) Atomics.wait(this.shared, RESTS, 0, 100);
  }
  get swapped(): Swapped {
    const count = (at: number) => Atomics.load(this.shared, at);
    return { folders: count(FOLDERS), links: count(LINKS), names: count(NAMES) };
  }
  async end(): Promise<void> {
    await this.thread.terminate();
  }
}

interface Data {
  readonly folder: string;
  readonly outside: string;
  readonly shared: Int32Array;
}

function swapForEver({ folder, outside, shared }: Data): void {
  const away = `${folder}.away`;
  const [file, next] = [join(folder, FILE), join(folder, '.next')];
  const isLink = () => lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  const done = (kind: number) => Atomics.add(shared, kind, 1);

  function folderAway(): void {
    renameSync(folder, away);
    symlinkSync(outside, folder);
    done(FOLDERS);
  }
  function folderBack(): void {
    if (lstatSync(away, { throwIfNoEntry: false }) === undefined) return;
    // The other one may have made a folder of that name meanwhile.
    rmSync(folder, { recursive: !isLink(), force: true });
    renameSync(away, folder);
  }
  function fileFor(kind: number, make: (at: string) => void): void {
    rmSync(next, { force: true });
    make(next);
    renameSync(next, file);
    done(kind);
  }
  const turns = [
    folderAway,
    folderBack,
    () => fileFor(LINKS, (at) => symlinkSync(join(outside, FILE), at)),
    () => fileFor(NAMES, (at) => linkSync(join(outside, FILE), at)),
    () => {
      rmSync(next, { force: true });
      writeFileSync(next, 'inside\n', { flag: 'wx' });
      renameSync(next, file);
    },
  ];
  for (let turn = 0; ; turn++) {
    if (Atomics.load(shared, GO) === 0) {
      whileItGoes(folderBack);
      mkdirSync(folder, { recursive: true });
      Atomics.store(shared, RESTS, 1);
      Atomics.notify(shared, RESTS);
      Atomics.wait(shared, GO, 0);
    }
    whileItGoes(turns[turn % turns.length] ?? folderBack);
  }
}

/** What the other one did in between is in the way now and then. */
function whileItGoes(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

if (!isMainThread) swapForEver(workerData as Data);
