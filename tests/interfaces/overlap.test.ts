import { afterEach, expect, test } from 'vitest';
import { GRANTS } from '../../src/engine/kernel/grants.ts';
import type { BatonError } from '../../src/errors.ts';
import type { ClaimAhead } from '../../src/interfaces/api/shapes.ts';
import { type Fake, fakeServices, until } from '../support/fake-services.ts';

let fake: Fake;
afterEach(() => fake.close());

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: BatonError) => error.code,
  );
const working = (run: string, task: string) => until(async () => (await fake.client.task(run, task)).status === 'running');
const shared = () => [...fake.journal.read(GRANTS)].flatMap(({ fact }) => (fact.type === 'grant.shared' ? [fact] : []));

/** Two runs whose tasks never end: the second waits for the first. */
async function twoRuns(first: readonly string[], second: readonly string[]) {
  fake = fakeServices(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))));
  fake.plans.set('/first', [fake.task('fix', { claims: first })]);
  fake.plans.set('/second', [fake.task('docs', { claims: second }), fake.task('more', { claims: second })]);
  const { run: one } = await fake.client.submit({ file: '/first', cwd: '/' });
  await working(one, 'fix');
  const { run: two } = await fake.client.submit({ file: '/second', cwd: '/' });
  const ahead = (await fake.client.task(two, 'docs')).waitsFor?.[0];
  if (!ahead) throw new Error('it waits for nobody');
  return { one, two, ahead };
}

// req W9
test('a task says whom it waits for, and a person lets exactly those two work at once, on record', async () => {
  const { one, two, ahead } = await twoRuns(['src/**'], ['README.md', 'src/x.ts']);
  expect(ahead).toMatchObject({ run: one, task: 'fix', claims: ['src/x.ts', 'src/**'] });
  const list = async () => (await fake.reader().run(two)).taskList.map(({ reason }) => reason);
  expect(await list()).toEqual([`waits for ${one}/fix: both write src/x.ts`, `waits for ${one}/fix: both write src/x.ts, and for 1 more`]);
  expect(fake.services.state(two)?.tasks.get('docs')?.attempt).toBe(0);

  await fake.client.overlap(two, 'docs', ahead);
  await working(two, 'docs');
  expect(shared()).toEqual([{ type: 'grant.shared', request: `${two}/docs`, other: `${one}/fix`, binds: ahead.binds, by: 'ann' }]);
  // Nobody else by it: the third still waits for both.
  const left = (await fake.client.task(two, 'more')).waitsFor?.map(({ run, task }) => `${run}/${task}`);
  expect(left).toEqual([`${one}/fix`, `${two}/docs`]);
  expect((await fake.client.task(two, 'more')).status).toBe('ready');
  // Once is enough.
  await fake.client.overlap(two, 'docs', ahead);
  expect(shared()).toHaveLength(1);
});

// req W9
test('what a person decides about must be what is there', async () => {
  const { one, two, ahead } = await twoRuns(['src/**'], ['src/x.ts']);
  const more = (await fake.client.task(two, 'more')).waitsFor?.find(({ task }) => task === 'docs');
  const overlap = (other: Pick<ClaimAhead, 'run' | 'task' | 'binds'>) => code(fake.client.overlap(two, 'docs', other));
  expect(more?.binds).toMatch(/^[0-9a-f]{64}$/);
  expect(await overlap({ ...ahead, binds: more?.binds ?? '' })).toBe('OVERLAP_STALE');
  expect(await overlap({ ...ahead, task: 'gone' })).toBe('NO_OVERLAP');
  expect(await code(fake.reader().overlap(two, 'docs', ahead))).toBe('READ_ONLY');
  await fake.client.cancel(one, 'enough');
  await working(two, 'docs');
  expect(await overlap(ahead)).toBe('NO_OVERLAP');
  expect(shared()).toEqual([]);
});

// req W9
test('two that both name a contract are never let overlap', async () => {
  const { one, two, ahead } = await twoRuns(['api/v1.yaml', 'src/**'], ['api/v1.yaml']);
  expect(await code(fake.client.overlap(two, 'docs', ahead))).toBe('OVERLAP_CONTRACT');
  expect((await fake.client.task(two, 'docs')).waitsFor).toMatchObject([{ run: one, task: 'fix' }]);
});
