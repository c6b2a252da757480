import { BatonError } from '../../errors.ts';
import type { RunState } from '../api/states.ts';
import { EXIT } from './context.ts';

/** Errors that say: what was typed can't be meant. */
const USAGE = new Set([
  'USAGE',
  'FILE_NOT_FOUND',
  'WORKFLOW_INVALID',
  'CHANGE_INVALID',
  'DUPLICATE_ID',
  'INVALID_INPUTS',
  'INVALID_ANSWER',
  'BAD_REQUEST',
  'RUN_NOT_FOUND',
  'AMBIGUOUS_RUN',
  'TASK_NOT_FOUND',
  'APPROVAL_NOT_FOUND',
  'KNOWLEDGE_UNKNOWN',
  'KNOWLEDGE_QUERY',
]);

/** A rule or a limit says no. */
const REFUSED = new Set(['APPROVAL_FORBIDDEN', 'PLAN_REFUSED']);

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof BatonError)) return EXIT.failed;
  if (USAGE.has(error.code) || error.code.startsWith('INPUT_')) return EXIT.usage;
  return REFUSED.has(error.code) || error.code.startsWith('POLICY_') ? EXIT.policy : EXIT.failed;
}

/** Of a run that is over. Refused by policy: it failed, and nothing else made it fail than somebody's or some rule's no. */
export function exitCodeOfRun(state: RunState): number {
  if (state.status === 'succeeded') return EXIT.done;
  const failed = [...state.tasks.values()].filter(({ status, replacedBy }) => status === 'failed' && replacedBy === undefined);
  const refused = failed.length > 0 && failed.every(({ failure }) => failure?.class === 'policy');
  return state.status === 'failed' && refused ? EXIT.policy : EXIT.failed;
}
