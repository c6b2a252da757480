/** Words of the kernel that clients speak as well. */
export { openApprovals } from '../../engine/kernel/approval.ts';
export type { Fact, FactOf, Stored } from '../../engine/kernel/facts.ts';
export type { Failure } from '../../engine/kernel/plan.ts';
export { RUN_TERMINAL, type RunState, type RunStatus, type TaskRecord, type TaskStatus } from '../../engine/kernel/state.ts';
