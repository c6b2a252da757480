/** What a coding agent asks leave for in the middle of its work, through the inbox. */
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { InboxItem } from '../../src/interfaces/api/shapes.ts';
import { until } from './support/baton.ts';
import { type RepositoryPlace, repositoryPlace } from './support/repository.ts';

let at: RepositoryPlace;
let installed: string;
beforeEach(() => {
  at = repositoryPlace();
  at.env['ANTHROPIC_API_KEY'] = 'sk-of-nobody';
  // Whoever is inside the sandbox has to come by it.
  installed = mkdtempSync(join(tmpdir(), 'baton-agent-'));
  chmodSync(installed, 0o755);
  const agent = join(installed, 'agent.ts');
  copyFileSync(fileURLToPath(new URL('../agents/support/fake-acp-agent.ts', import.meta.url)), agent);
  chmodSync(agent, 0o755);
  at.write('baton.yaml', settings(agent, '1h'));
  at.write('w.yaml', 'version: 1\nname: asks\npromote: never\ntasks:\n  fix: { agent: coder, prompt: Fix it. }\n');
});
afterEach(async () => {
  await at.close();
  rmSync(installed, { recursive: true, force: true });
});

const settings = (command: string, timeout: string): string => `version: 1
agents:
  coder: { acp: claude, command: ${command}, args: [asks], ask: { before: [execute, edit], timeout: ${timeout} } }
`;
const call = async (run: string, title: string): Promise<InboxItem> =>
  until(async () => (await at.json<InboxItem>('inbox', run)).find(({ text }) => text?.text?.includes(title)));

// req H1, H2
test('a person sees exactly what is asked, allows one thing and refuses another, and the agent goes on', async () => {
  const [{ run } = { run: '' }] = await at.json<{ run: string }>('run', 'w.yaml', '--detach');
  const edit = await call(run, 'Edit sum.js');
  expect(edit).toMatchObject({
    kind: 'approval',
    subject: 'call',
    task: 'fix',
    text: { text: expect.stringContaining('coder (edit): Edit sum.js\n{') },
  });
  const shown = (await at.baton('inbox', run)).out;
  expect(shown).toMatch(/"fix" waits: may its agent do this\?\n {4}coder \(edit\): Edit sum\.js\n[\s\S]*baton approve \S+ call:fix:1:1\n/);
  expect((await at.baton('approve', run, 'call:fix:1:1', '--binds', '0'.repeat(64))).err).toContain('APPROVAL_STALE');
  expect((await at.baton('approve', run, 'call:fix:1:1')).code).toBe(0);
  await call(run, 'npm test');
  expect((await at.baton('reject', run, 'call:fix:1:2')).code).toBe(0);
  await until(async () => (await at.json<{ status: string }>('show', run))[0]?.status === 'succeeded');
  expect((await at.baton('logs', run)).out).toMatch(
    /Allowed \(a person was asked\): Edit sum\.js[\s\S]*Not allowed \(a person was asked\): npm test/,
  );
  expect((await at.baton('inbox')).out).toBe('Nothing waits for you.\n');
});

// req H2
test('without anybody it goes on after its time, with no', async () => {
  at.write('baton.yaml', settings(join(installed, 'agent.ts'), '1s'));
  const ran = await at.baton('run', 'w.yaml');
  expect([ran.code, ran.out]).toEqual([0, expect.stringMatching(/waits for a decision → baton approve \S+ call:fix:1:1\n/)]);
  expect((await at.baton('logs', 'last')).out).toContain('Not allowed (nobody answered in 1000 ms, the limit ask.timeout): Edit sum.js');
});
