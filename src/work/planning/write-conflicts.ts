/**
 * Tasks that write the same path with no order between them. Globs are looked up by their folders, so those that can't meet
 * are never compared; of those that write one place, each is held against the one before it in the order of the plan.
 */
import { globsMeet } from '../../engine/kernel/grants.ts';
import type { DraftTask, Finding } from './draft.ts';
import { refusal } from './notes.ts';
import type { Order } from './order.ts';

export function writeConflicts(tasks: readonly DraftTask[], order: Order): Finding[] {
  const findings: Finding[] = [];
  /** Globs by the folder that they certainly lie in, with who writes them, earliest first. */
  const written = new Map<string, Map<string, string[]>>();
  const sorted = [...tasks].sort((a, b) => order.levelOf(a.id) - order.levelOf(b.id));
  for (const { id, writes = [] } of sorted)
    for (const glob of writes) {
      const met = [...meeting(written, glob)].find(([other]) => other !== id && !order.comesBefore(other, id));
      if (met && !findings.some((each) => each.tasks[0] === met[0] && each.tasks[1] === id))
        findings.push(
          refusal(
            'WRITE_CONFLICT',
            [met[0], id],
            `"${met[0]}" and "${id}" both write ${met[1] === glob ? glob : `${met[1]} and ${glob}`}, in no order.`,
            `Let "${id}" need "${met[0]}", or have them write different paths.`,
          ),
        );
      note(written, glob, id);
    }
  return findings;
}

/** The last writer of each glob that can meet this one: whoever wrote before it is ordered before it, or was told of. */
function* meeting(written: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>, glob: string): Generator<[string, string]> {
  const folder = folderOf(glob);
  const around = folder === '' ? [] : folder.split('/').map((_, i, parts) => parts.slice(0, i).join('/'));
  for (const [at, globs] of written) {
    if (at !== folder && !around.includes(at) && !(folder === '' ? true : at.startsWith(`${folder}/`))) continue;
    for (const [other, writers] of globs) {
      const last = writers.at(-1);
      if (last !== undefined && globsMeet(other, glob)) yield [last, other];
    }
  }
}

function note(written: Map<string, Map<string, string[]>>, glob: string, id: string): void {
  const folder = folderOf(glob);
  const globs = written.get(folder) ?? new Map<string, string[]>();
  written.set(folder, globs);
  const writers = globs.get(glob);
  if (writers) writers.push(id);
  else globs.set(glob, [id]);
}

/** The part of a glob before its first wildcard, without the last name. */
const folderOf = (glob: string): string => {
  const plain = glob.split(/[*?[{]/, 1)[0] ?? '';
  return plain.slice(0, Math.max(0, plain.lastIndexOf('/')));
};
