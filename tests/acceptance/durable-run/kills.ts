// req K4, K5, K7: the real engine, killed with kill -9 at twenty random moments, at least five of them while it recovers.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { point } from '../point.ts';
import { EngineProcess } from '../support/process.ts';

const [STEPS, CHAINS, KILLS, IN_RECOVERY] = [500, 12, 20, 5];

/** Each step appends its name to a file by itself, a little later than it began, so that a kill meets it at work. */
function workflow(done: string): string {
  const tasks: string[] = [];
  for (let i = 0; i < STEPS; i++) {
    const before = i - CHAINS;
    tasks.push(
      [
        `  s${i}:`,
        ...(before >= 0 ? [`    needs: [s${before}]`] : []),
        `    run: sleep 0.0${1 + (i % 5)}; echo s${i} >> ${done}; sleep 0.0${1 + (i % 3)}`,
        '    in: project',
        `    idempotent: ${i % 3 !== 0}`,
      ].join('\n'),
    );
  }
  return `version: 1\nname: kills\nlimits: { tasks: 1000 }\ntasks:\n${tasks.join('\n')}\n`;
}

export default point(import.meta, {
  id: 'durable-run/kills',
  title: 'kill -9 at twenty moments',
  bar: 'idempotent steps at least once and at most once more per crash, others at most once, undecided ones answered, the run ends',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'baton-kills-'));
    const [home, done, file] = [join(folder, '.baton'), join(folder, 'done.txt'), join(folder, 'kills.yaml')];
    writeFileSync(done, '');
    writeFileSync(file, workflow(done));
    const env = { BATON_SLOTS: '8' };
    const run = 'kills';
    let engine = new EngineProcess(home, folder, env);
    await engine.open;
    await engine.ask('start', { file, run });
    let recovering = 0;
    let answered = 0;
    let slowestMs = 0;
    const count = (name: string) =>
      readFileSync(done, 'utf8')
        .split('\n')
        .filter((line) => line === name).length;
    for (let kill = 0; kill < KILLS; kill++) {
      // Every third kill comes before the engine says that it has recovered.
      const early = kill % 3 === 1;
      if (early) await sleep(60 + Math.random() * 200);
      else {
        await engine.open;
        await sleep(150 + Math.random() * 500);
        answered += await answer(engine);
      }
      if (!engine.isOpen) recovering++;
      await engine.kill();
      const began = performance.now();
      engine = new EngineProcess(home, folder, env);
      void engine.open.then(() => (slowestMs = Math.max(slowestMs, performance.now() - began)));
    }
    await engine.open;

    async function answer(by: EngineProcess): Promise<number> {
      const { undecided } = await by.ask<{ undecided: string[] }>('state', { run });
      for (const task of undecided) await by.ask('decide', { run, task, decision: count(task) > 0 ? 'committed' : 'retry' });
      return undecided.length;
    }
    let status = '';
    for (let waited = 0; waited < 120_000; waited += 200) {
      answered += await answer(engine);
      status = (await engine.ask<{ status: string }>('state', { run })).status;
      if (status === 'succeeded' || status === 'failed') break;
      await sleep(200);
    }
    await engine.ask('close', { run }).catch(() => {});
    const times = Array.from({ length: STEPS }, (_, i) => count(`s${i}`));
    const missing = times.filter((n) => n === 0).length;
    const twice = times.filter((n, i) => i % 3 === 0 && n > 1).length;
    const often = Math.max(...times);
    const repeated = times.filter((n) => n > 1).length;
    rmSync(folder, { recursive: true, force: true });
    return {
      holds:
        status === 'succeeded' && missing === 0 && twice === 0 && often <= 1 + KILLS && recovering >= IN_RECOVERY && slowestMs <= 5_000,
      figure: `run ${status}; ${KILLS} kills, ${recovering} in recovery; ${missing} steps missing, ${repeated} idempotent ones repeated (${often} times at most), ${twice} others repeated; ${answered} undecided answered; slowest restart ${Math.round(slowestMs)} ms`,
    };
  },
});
