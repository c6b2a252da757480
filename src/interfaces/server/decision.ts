import type { AskedCommand } from '../../engine/kernel/commands.ts';
import type { Principal } from '../../engine/kernel/plan.ts';
import type { RunState } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import type { DecideRequest } from '../api/requests.ts';
import type { Engine } from './services.ts';

/** The decision about an approval, with what the kernel wants stored beside it. @throws BatonError `APPROVAL_NOT_FOUND` */
export function decision(engine: Engine, state: RunState, id: string, request: DecideRequest, by: Principal): AskedCommand {
  const approval = state.approvals.get(id);
  if (!approval)
    throw new BatonError('APPROVAL_NOT_FOUND', `Run ${state.id} has no approval "${id}".`, {
      where: id,
      hint: `See what waits for a decision: baton inbox ${state.id}`,
    });
  const { subject, task } = approval;
  const { note } = request;
  const command: AskedCommand = { type: 'approval.decide', by, approval: id, ...request };
  if (subject === 'task' && task !== undefined) return { ...command, result: engine.decided(state.id, task, request.decision, by, note) };
  // A result that is rejected with a reason goes back to work with it.
  if (subject === 'result' && request.decision === 'reject' && note !== undefined) return { ...command, result: engine.feedback(note) };
  return command;
}
