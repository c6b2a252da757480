import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AttemptContext } from '../../src/engine/host/host.ts';
import { BatonError } from '../../src/errors.ts';
import { withChange } from '../../src/work/perform/change.ts';
import type { Place } from '../../src/work/perform/place.ts';
import { watchWorkspace } from '../../src/work/perform/watch-workspace.ts';
import { type Change, type Checkpoint, QUOTA_DEFAULT } from '../../src/work/workspace/workspace.ts';

const EVERY_MS = 60_000;
const change = (path: string, more: Partial<Change> = {}): Change => ({ path, kind: 'added', mode: '100644', size: 1, ...more });

/** A workspace whose checkpoints are played, the last one again and again. */
const played = (...checkpoints: readonly (Partial<Checkpoint> | BatonError)[]) => {
  let taken = 0;
  const log: string[] = [];
  const onRecord: (number | undefined)[] = [];
  const checkpoint = async (): Promise<Checkpoint> => {
    const next = checkpoints[Math.min(taken, checkpoints.length - 1)] ?? {};
    taken += 1;
    if (next instanceof BatonError) throw next;
    return { commit: `c${taken}`, changes: [change('a.txt')], violations: [], bytes: 0, files: 1, ...next };
  };
  const place = {
    workspace: { id: 'r/t', folder: '/nowhere', base: 'c0' },
    repository: { quota: QUOTA_DEFAULT, checkpoints: { everyMs: EVERY_MS, changes: Number.POSITIVE_INFINITY }, trees: { checkpoint } },
  } as unknown as Place;
  const context = {
    attemptKey: 'r/t/1',
    log: (chunk: string) => log.push(chunk),
    checkpoint: async (_commit: string, _why: string, _files: number, share?: number) => void onRecord.push(share),
  } as unknown as AttemptContext;
  return { place, context, log, onRecord };
};
const OK = { ok: true, result: 'r' } as const;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

// req W8
test('a workspace may take 1 GB and 100,000 files', () => {
  expect(QUOTA_DEFAULT).toEqual({ bytes: 1024 ** 3, files: 100_000 });
});

// req W8
test.each([
  ['files', { files: 79_999 }, { files: 80_000 }, '80 %'],
  ['bytes', { bytes: 0.79 * 1024 ** 3 }, { bytes: 0.9 * 1024 ** 3 }, '90 %'],
])(
  'at four fifths of its %s people are warned, in the log and on record, once while an agent is at work',
  async (_, below, above, said) => {
    const { place, context, log, onRecord } = played(below, above, above);
    const watch = watchWorkspace(place, context);
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect([log, onRecord]).toEqual([[], [undefined]]);
    await vi.advanceTimersByTimeAsync(2 * EVERY_MS);
    await watch.stop();
    expect(log).toEqual([`The workspace takes ${said} of its quota; at 100 % it stands aside.\n`]);
    expect(onRecord).toEqual([undefined, Number.parseInt(said, 10) / 100, undefined]);
    expect(watch.signal.aborted).toBe(false);
  },
);

// req W8
test('at 100 % the agent is stopped, and what it did is kept to be merged when there is room', async () => {
  const { place, context } = played(new BatonError('QUOTA_EXCEEDED', 'The workspace is over its limit.'));
  const watch = watchWorkspace(place, context);
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  await watch.stop();
  expect(watch.signal.reason).toMatchObject({ code: 'QUOTA_EXCEEDED' });
  expect(await withChange(place, context, async () => OK)).toMatchObject({ ok: true, change: expect.any(String) });
});

// req W8
test('an attempt that ends is warned as well, and its log names what has become a program', async () => {
  const changes = [change('run.sh', { mode: '100755', executable: true }), change('old.sh', { kind: 'modified', mode: '100755' })];
  const { place, context, log, onRecord } = played({ files: 95_000, changes });
  expect(await withChange(place, context, async () => OK)).toMatchObject({ change: 'c1' });
  expect(log).toEqual(['The workspace takes 95 % of its quota; at 100 % it stands aside.\n', 'New executables: run.sh\n']);
  expect(onRecord).toEqual([0.95]);
});
