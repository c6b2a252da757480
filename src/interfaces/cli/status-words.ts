import type { RunStatus, TaskStatus } from '../api/states.ts';
import type { Tone } from './style.ts';

const TONES: Readonly<Record<RunStatus | TaskStatus, Tone>> = {
  planning: 'live',
  running: 'live',
  validating: 'live',
  ready: 'live',
  'awaiting-approval': 'wait',
  'awaiting-start': 'wait',
  'awaiting-result': 'wait',
  waiting: 'wait',
  paused: 'wait',
  undecided: 'wait',
  blocked: 'wait',
  cancelling: 'wait',
  succeeded: 'good',
  committed: 'good',
  failed: 'bad',
  pending: 'dim',
  skipped: 'dim',
  cancelled: 'dim',
};

export const statusTone = (status: RunStatus | TaskStatus): Tone => TONES[status];
