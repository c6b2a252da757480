/**
 * Tasks that write the same path with no order between them. Each is held against the last that wrote there: whoever wrote
 * before that one is ordered before it, or was told of. So 10,000 tasks with a path of their own are 10,000 looks, not pairs.
 */
import type { DraftTask, Finding } from './draft.ts';
import { refusal } from './notes.ts';
import type { Order } from './order.ts';

export function writeConflicts(tasks: readonly DraftTask[], order: Order): Finding[] {
  const paths = new Paths();
  const told = new Set<string>();
  const sorted = [...tasks].sort((a, b) => order.levelOf(a.id) - order.levelOf(b.id));
  return sorted.flatMap(({ id, writes = [] }) =>
    writes.flatMap((glob) =>
      paths.write({ id, glob }).flatMap((other) => {
        const pair = JSON.stringify([other.id, id]);
        if (other.id === id || told.has(pair) || order.comesBefore(other.id, id)) return [];
        told.add(pair);
        return [
          refusal(
            'WRITE_CONFLICT',
            [other.id, id],
            `"${other.id}" and "${id}" both write ${other.glob === glob ? glob : `${other.glob} and ${glob}`}, in no order.`,
            `Let "${id}" need "${other.id}", or have them write different paths.`,
          ),
        ];
      }),
    ),
  );
}

interface Writer {
  readonly id: string;
  readonly glob: string;
}
interface Folder {
  readonly in?: Folder;
  readonly name: string;
  /** By a name without wildcards, and all with one: they are taken to match any name, as in `globsMeet`. */
  readonly named: Map<string, Folder>;
  /** Who wrote last just here, and by a glob that goes on with `**`. */
  here?: Writer | undefined;
  below?: Writer | undefined;
}

/** Globs as a tree of their parts. */
class Paths {
  private readonly root: Folder = { name: '', named: new Map() };

  /** @returns those that wrote last where this one may write */
  write(writer: Writer): Writer[] {
    const parts = writer.glob.split('/');
    const met = this.meet(parts);
    let folder = this.root;
    for (const part of parts) {
      if (part === '**') {
        folder.below = writer;
        return met;
      }
      const name = isPattern(part) ? ANY : part;
      const inner = folder.named.get(name) ?? { in: folder, name, named: new Map() };
      folder.named.set(name, inner);
      folder = inner;
    }
    folder.here = writer;
    return met;
  }

  /** Whoever writes more widely than those it met stands for them from now on. */
  private meet(parts: readonly string[]): Writer[] {
    const met: Writer[] = [];
    let reached: { folder: Folder; within: boolean }[] = [{ folder: this.root, within: true }];
    for (const part of parts) {
      for (const { folder } of reached) if (folder.below) met.push(folder.below);
      if (part === '**') {
        for (const { folder, within } of reached) met.push(...everythingIn(folder, within));
        return met;
      }
      const wide = isPattern(part);
      reached = reached.flatMap(({ folder, within }) =>
        (wide ? [...folder.named.values()] : [folder.named.get(part), folder.named.get(ANY)]).flatMap((inner) =>
          inner ? [{ folder: inner, within: within && (wide || inner.name !== ANY) }] : [],
        ),
      );
    }
    for (const { folder, within } of reached) {
      if (folder.here) met.push(folder.here);
      if (within) leave(folder);
    }
    return met;
  }
}

const ANY = '*';
const isPattern = (part: string): boolean => /[*?[\]{}]/.test(part);

function everythingIn(folder: Folder, forget: boolean): Writer[] {
  const found: Writer[] = [];
  const open = [...folder.named.values()];
  for (let next = open.pop(); next; next = open.pop()) {
    for (const writer of [next.here, next.below]) if (writer) found.push(writer);
    open.push(...next.named.values());
  }
  if (forget) folder.named.clear();
  return found;
}

function leave(folder: Folder): void {
  folder.here = undefined;
  for (let at: Folder = folder; at.in && !at.below && !at.here && at.named.size === 0; at = at.in) at.in.named.delete(at.name);
}
