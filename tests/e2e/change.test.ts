import { afterEach, expect, test } from 'vitest';
import { type Place, place } from './support/baton.ts';

let at: Place;
afterEach(() => at.close());

const FLOW = `version: 1
name: changing
agents:
  coder: { scripted: { replies: [coded] } }
  writer: { scripted: { replies: [written] } }
tasks:
  first: { run: echo one }
  hold: { needs: first, approve: "Go on?" }
  build: { needs: [first, hold], agent: coder, prompt: Build }
  docs: { needs: build, agent: coder, prompt: Document }
`;

// req P9, P10
test('the plan of a run is changed while it waits: shown first, made once, refused with reasons', async () => {
  at = place();
  at.write('flow.yaml', FLOW);
  at.write('lint.yaml', 'insert:\n  lint: { needs: [first], run: echo lint }\nroute: { docs: writer }\n');
  expect((await at.baton('run', 'flow.yaml')).code).toBe(3);
  const shown = '+ lint  command, after first\n~ docs  agent coder → writer\n~ build  needs first, hold → first, hold, lint\n';
  expect((await at.baton('change', 'last', 'lint.yaml', '--dry-run')).out).toBe(`${shown}Nothing was changed.\n`);
  const made = await at.baton('change', 'last', 'lint.yaml');
  expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^\+ lint[\s\S]*goes on with the changed plan\.\n$/)]);
  const again = await at.baton('change', 'last', 'lint.yaml');
  expect([again.code, again.err]).toEqual([2, expect.stringMatching(/DUPLICATE_ID {2}There is a task "lint" already/)]);
  const begun = await at.baton('change', 'last', '--drop', 'first');
  expect([begun.code, begun.err]).toEqual([1, expect.stringMatching(/PLAN_INVALID .*"first" is committed and can't be changed/)]);
  await at.baton('approve', 'last');
  await at.baton('resume');
  expect((await at.baton('status', 'last')).out).toMatch(/lint\s+committed/);
});

// req P10
test('where settings ask for it, a change waits for an approval, with its lines in the inbox', async () => {
  at = place();
  at.write('flow.yaml', FLOW);
  at.write('baton.yaml', 'version: 1\nplanning: { changes: { approval: {} } }\n');
  await at.baton('run', 'flow.yaml');
  expect((await at.baton('change', 'last', '--drop', 'docs')).out).toMatch(/^- docs\nIt waits for an approval: baton inbox \w+\n$/);
  expect((await at.baton('inbox')).out).toMatch(/may the plan be changed\?\n {4}- docs\n {4}baton approve \w+ change:1\n/);
  expect((await at.baton('approve', 'last', 'change:1')).code).toBe(0);
  const { out } = await at.baton('status', 'last');
  expect([/\bbuild\b/.test(out), /\bdocs\b/.test(out)]).toEqual([true, false]);
});
