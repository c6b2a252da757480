// req K4, F5: from a fresh clone, with whatever Node the machine has: both commands of the README.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { point } from '../point.ts';
import { makeFolder } from '../support/cli.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export default point(import.meta, {
  id: 'durable-run/fresh-clone',
  title: 'The README on a fresh machine',
  bar: '`npm ci && npm run demo` and `npm ci && npm test`, both green, the tests in under ten minutes',
  timeoutMs: 40 * 60_000,
  async run() {
    const folder = makeFolder('clone');
    // The machine's own Node, not the one of this checkout.
    const PATH = (process.env['PATH'] ?? '')
      .split(delimiter)
      .filter((each) => !each.includes('node_modules'))
      .join(delimiter);
    const env = Object.fromEntries(
      Object.entries({ ...process.env, PATH, CI: 'true' }).filter(([name]) => !/^(npm_|NODE_|VITEST|BATON_)/i.test(name)),
    );
    const shell = (command: string) => {
      const began = performance.now();
      const { status, stdout, stderr } = spawnSync('bash', ['-c', command], { cwd: folder, env, encoding: 'utf8', maxBuffer: 1 << 28 });
      return { status, out: stdout + stderr, seconds: (performance.now() - began) / 1_000 };
    };
    try {
      const clone = shell(`git clone -q ${root} .`);
      const node = shell('node --version').out.trim();
      const demo = shell('npm ci && npm run demo');
      const tests = shell('npm ci && npm test');
      const counts = /Tests +(.*)/.exec(stripVTControlCharacters(tests.out))?.[1] ?? 'no counts';
      return {
        holds: clone.status === 0 && demo.status === 0 && tests.status === 0 && tests.seconds < 600,
        figure: `node ${node}; demo exit ${demo.status} in ${demo.seconds.toFixed(0)} s; tests exit ${tests.status} in ${tests.seconds.toFixed(0)} s (${counts})`,
        detail: [demo, tests]
          .filter((each) => each.status !== 0)
          .map((each) => each.out.slice(-3_000))
          .join('\n'),
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
});
