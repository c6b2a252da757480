/** Owed work about the trees of a run: what its handler brings, or what stands for a handler that threw, as a command. */
import { BatonError } from '../../errors.ts';
import type { HostCommand } from '../kernel/commands.ts';
import type { OwedOf } from '../kernel/owed.ts';
import type { Failure } from '../kernel/plan.ts';
import type { Blobs, TreeContext, TreeHandlers } from './host.ts';
import { chain } from './performer.ts';

export type TreeOwed = OwedOf<'snapshot' | 'integrate' | 'restore' | 'promote'>;

export async function treeCommand(handlers: TreeHandlers | undefined, owed: TreeOwed, context: TreeContext): Promise<HostCommand> {
  try {
    if (!handlers) throw new BatonError('NO_TREES', 'This engine can not work in the trees of a repository.');
    return await ask(handlers, owed, context);
  } catch (error) {
    return failed(owed, failureOf(error, context.blobs));
  }
}

async function ask(handlers: TreeHandlers, owed: TreeOwed, context: TreeContext): Promise<HostCommand> {
  switch (owed.type) {
    case 'snapshot':
      return { type: 'tree.open', tree: await handlers.snapshot(owed, context) };
    case 'integrate': {
      const { task, attempt, onto } = owed;
      return { type: 'integrate.end', task, attempt, onto, outcome: await handlers.integrate(owed, context) };
    }
    case 'restore':
      return { type: 'restore.end', task: owed.task, to: owed.to, outcome: await handlers.restore(owed, context) };
    case 'promote':
      return { type: 'promote.end', promotion: owed.promotion, outcome: await handlers.promote(owed, context) };
    default:
      return owed satisfies never;
  }
}

function failed(owed: TreeOwed, failure: Failure): HostCommand {
  switch (owed.type) {
    case 'snapshot':
      return { type: 'tree.fail', failure };
    case 'integrate': {
      const { task, attempt, onto } = owed;
      return { type: 'integrate.end', task, attempt, onto, outcome: { to: 'stalled', failure } };
    }
    case 'restore':
      return { type: 'restore.end', task: owed.task, to: owed.to, outcome: { ok: false, reason: failure.message } };
    case 'promote': {
      const { code, message, report } = failure;
      return { type: 'promote.end', promotion: owed.promotion, outcome: { ok: false, code, message, ...(report ? { report } : {}) } };
    }
    default:
      return owed satisfies never;
  }
}

const failureOf = (error: unknown, blobs: Blobs): Failure => ({
  class: 'permanent',
  code: error instanceof BatonError ? error.code : 'TREE_FAILED',
  message: error instanceof Error ? error.message : String(error),
  report: blobs.put(chain(error)),
});
