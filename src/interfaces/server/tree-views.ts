/** What git knows of trees, put into the shapes of the API: differences with their lines, and whose a checkout is. */
import { RUN_TERMINAL, type RunState } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import type { ChangeSummary, DiffView, WorkspaceView } from '../api/trees.ts';
import { linesIn } from './patch-lines.ts';
import type { Services, TreeService } from './services.ts';
import type { Span } from './tree-span.ts';

export async function diffOf(trees: TreeService, state: RunState, { from, to }: Span, paths: readonly string[]): Promise<DiffView> {
  if (from === to) return { from, to, changes: [], patch: '' };
  const { changes, patch } = await trees.diff(state, from, to, paths);
  const lines = linesIn(patch);
  return {
    from,
    to,
    changes: changes.map((change) => {
      const counted = lines.get(change.path);
      return counted ? { ...change, lines: counted } : change;
    }),
    patch,
  };
}

/** Files of a change that whoever decides about it is shown. */
const SUMMARY_FILES = 20;

/** Nothing where the trees can't be had: who decides is told less, and not kept from it. */
export async function summaryOf(trees: TreeService, state: RunState, span: Span): Promise<ChangeSummary | undefined> {
  try {
    const { changes, ...between } = await diffOf(trees, state, span, []);
    const sum = (what: 'added' | 'removed') => changes.reduce((all, { lines }) => all + (lines?.[what] ?? 0), 0);
    return {
      from: between.from,
      to: between.to,
      files: changes.length,
      added: sum('added'),
      removed: sum('removed'),
      executables: changes.filter(({ executable }) => executable).map(({ path }) => path),
      changes: changes.slice(0, SUMMARY_FILES),
    };
  } catch (error) {
    if (error instanceof BatonError) return undefined;
    throw error;
  }
}

/** `RUN/TASK`, and more behind it where a check has a checkout of its own; set-ups belong to nobody. */
export function ownerOf({ state }: Services, id: string): Pick<WorkspaceView, 'run' | 'task' | 'status' | 'runStatus'> {
  const [run = '', ...rest] = id.split('/');
  const known = state(run);
  if (!known) return {};
  const owner = { run, runStatus: known.status };
  for (let n = rest.length; n > 0; n--) {
    const record = known.tasks.get(rest.slice(0, n).join('/'));
    if (record) return { ...owner, task: record.spec.id, status: record.status };
  }
  return owner;
}

/** What the checkouts of ended runs take, by run. */
export async function roomByRun({ trees, state }: Services): Promise<ReadonlyMap<string, { count: number; bytes: number }>> {
  const found = new Map<string, { count: number; bytes: number }>();
  for (const { id, bytes } of await trees.workspaces()) {
    const [run = ''] = id.split('/', 1);
    const known = state(run);
    if (!known || !RUN_TERMINAL.has(known.status)) continue;
    const before = found.get(run) ?? { count: 0, bytes: 0 };
    found.set(run, { count: before.count + 1, bytes: before.bytes + bytes });
  }
  return found;
}
