// req A1, A2: real coding agents from npm, by both ways in, inside the sandbox and through the meter.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RUN_TERMINAL } from '../../../src/engine/kernel/state.ts';
import { Baton } from '../../../src/index.ts';
import { point } from '../point.ts';
import { install, REAL_AGENTS, type RealAgent } from '../support/coding-agents.ts';
import { makeRepository } from '../support/repository.ts';
import { ANSWER, type ScriptedModels, SILENCE, startScriptedModels } from '../support/scripted-models.ts';

/** Agents that must be well. */
const AGENTS_MIN = 3;
/** Can't load a conversation in the minute it was begun. */
const FORGETFUL: ReadonlySet<string> = new Set(['gemini acp']);
const STOP_MAX_MS = 10_000;

const REPOSITORY = {
  'package.json': '{ "type": "module" }\n',
  'sum.js': 'export const sum = (a, b) => a - b;\n',
  'sum.test.js': `import assert from 'node:assert/strict';
import test from 'node:test';
import { sum } from './sum.js';

test('sum', () => assert.equal(sum(2, 3), 5));
`,
};

export default point(import.meta, {
  id: 'workspaces-and-coding-agents/coding-agents',
  title: 'real coding agents mend a small repository',
  bar: `${AGENTS_MIN} agents or more, each way in: sent back once, tests pass after, usage is what the server counted, a cancelled one leaves no process`,
  timeoutMs: 40 * 60_000,
  async run() {
    const wrong: string[] = [];
    const well = new Set<string>();
    for (const agent of REAL_AGENTS) {
      const name = `${agent.acp} by ${agent.via} (${agent.package} ${agent.version})`;
      const found = await play(agent).catch((error: unknown) => [error instanceof Error ? error.message : String(error)]);
      if (found.length === 0) well.add(`${agent.acp} by ${agent.via}`);
      wrong.push(...found.map((each) => `${name}: ${each}`));
    }
    const agents = new Set([...well].map((each) => each.split(' ')[0]));
    return {
      holds: wrong.length === 0 && agents.size >= AGENTS_MIN,
      figure: `${well.size} of ${REAL_AGENTS.length} ways into ${agents.size} agents work: ${[...well].join(', ')}`,
      detail: wrong.join('\n'),
    };
  },
});

/** What one agent did wrong. */
async function play(agent: RealAgent): Promise<readonly string[]> {
  const program = await install(agent);
  const models = await startScriptedModels();
  const own = agent.model.startsWith('scripted/');
  const settings = own ? { 'baton.yaml': `providers: { scripted: { baseUrl: "${models.env['OPENAI_BASE_URL']}" } }\n` } : {};
  const { folder, home } = makeRepository(`agent-${agent.acp}-${agent.via}`, { ...REPOSITORY, ...settings });
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...(own ? {} : models.env) };
  const baton = await Baton.open({ home, cwd: folder, env });
  const coder = { acp: agent.acp, via: agent.via, model: agent.model, command: program };
  try {
    return [...(await mends(baton, coder, folder, models)), ...(await stops(baton, coder, models))];
  } finally {
    await baton.close();
    await models.close();
    rmSync(dirname(folder), { recursive: true, force: true });
  }
}

async function mends(
  baton: Baton,
  coder: Pick<RealAgent, 'acp' | 'via'>,
  folder: string,
  models: ScriptedModels,
): Promise<readonly string[]> {
  const run = await baton.start({
    version: 1,
    name: 'mend',
    agents: { coder },
    tasks: { fix: { agent: 'coder', prompt: 'Make the failing test pass.', writes: ['sum.js'], gate: [{ run: 'node --test' }] } },
  });
  const end = await run.finished();
  const { spent, reworks } = end.tasks.get('fix') ?? {};
  const { requests, inputTokens, outputTokens } = models.counted;
  const text = (await run.result('fix'))['text'];
  const checks: Readonly<Record<string, boolean>> = {
    'the file in the user’s tree is mended': readFileSync(join(folder, 'sum.js'), 'utf8').includes('a + b'),
    [`its last message is handed over, not ${JSON.stringify(text)}`]: text === ANSWER,
    [`${spent?.tokens} tokens counted, ${inputTokens + outputTokens} served`]: spent?.tokens === inputTokens + outputTokens,
    [`${reworks} reworks, not 1`]: reworks === 1,
    'what the check said came into the same conversation': models.resumed() || FORGETFUL.has(`${coder.acp} ${coder.via}`),
    [`${spent?.calls} calls counted, ${requests} served`]: spent?.calls === requests,
  };
  return Object.entries(checks).flatMap(([what, holds]) => (holds ? [] : [what]));
}

async function stops(baton: Baton, coder: object, models: ScriptedModels): Promise<readonly string[]> {
  const run = await baton.start({ version: 1, name: 'stop', agents: { coder }, tasks: { wait: { agent: 'coder', prompt: SILENCE } } });
  await models.asked;
  const before = carriersOf(run.id).length;
  const began = performance.now();
  await run.cancel();
  while (!RUN_TERMINAL.has(run.state.status) && performance.now() - began < STOP_MAX_MS) await sleep(20);
  const ms = Math.round(performance.now() - began);
  const left = carriersOf(run.id);
  return [
    ...(before > 0 ? [] : ['none of its processes was seen while it worked']),
    ...(run.state.status === 'cancelled' ? [] : [`is ${run.state.status} ${ms} ms after being cancelled`]),
    ...left.map((each) => `left after being cancelled: ${each}`),
  ];
}

/** Command lines of all processes that carry an attempt of the run in their environment. */
function carriersOf(run: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const carries = readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`BATON_ATTEMPT_KEY=${run}/`);
        return carries ? [readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim()] : [];
      } catch {
        return [];
      }
    });
}
