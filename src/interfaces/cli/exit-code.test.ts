import { expect, test } from 'vitest';
import { BatonError } from '../../errors.ts';
import type { RunState } from '../api/states.ts';
import { exitCodeOf, exitCodeOfRun } from './exit-code.ts';

// req F5
test('errors: 1 the world, 2 what was typed, 4 who may not', () => {
  const codes = [
    'DISK_FULL',
    'OWNER_FAILED',
    'RUN_NOT_PAUSED',
    'USAGE',
    'WORKFLOW_INVALID',
    'INPUT_MISSING',
    'RUN_NOT_FOUND',
    'APPROVAL_FORBIDDEN',
    'POLICY_DENIED',
  ];
  expect(codes.map((code) => exitCodeOf(new BatonError(code, '')))).toEqual([1, 1, 1, 2, 2, 2, 2, 4, 4]);
  expect(exitCodeOf(new TypeError('ours'))).toBe(1);
});

// req F5
test('runs: 0 succeeded, 1 failed or cancelled, 4 when nothing but a refusal made it fail', () => {
  const ended = (status: string, ...classes: string[]) =>
    exitCodeOfRun({
      status,
      tasks: new Map(classes.map((each, i) => [`t${i}`, { status: 'failed', failure: { class: each } }])),
    } as unknown as RunState);
  expect([ended('succeeded'), ended('failed', 'permanent'), ended('cancelled'), ended('cancelled', 'policy')]).toEqual([0, 1, 1, 1]);
  expect([ended('failed', 'policy'), ended('failed', 'policy', 'policy'), ended('failed', 'policy', 'timeout')]).toEqual([4, 4, 1]);
});
