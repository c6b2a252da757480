import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BatonError } from '../../../errors.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';

export interface DemoOptions {
  readonly agent?: string;
}

/** The demos are programs of their own beside the examples; they drive this binary as a person would. */
export const demo: Handler<DemoOptions> = async ({ env, out }, _args, { agent }) => {
  const rest = [...(agent === undefined ? [] : ['--agent', agent]), ...(out.json ? ['--json'] : [])];
  // With a real coding agent only the part that such an agent can do.
  for (const name of agent === undefined ? ['demo/demo.js', 'repair/repair.js'] : ['repair/repair.js']) {
    const code = await play(name, rest, env);
    if (code !== EXIT.done) return code;
  }
  return EXIT.done;
};

function play(
  name: string,
  rest: readonly string[],
  env: NodeJS.ProcessEnv | Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const root = new URL('../../../../', import.meta.url);
  const file = fileURLToPath(new URL(`examples/${name}`, root));
  if (!existsSync(file))
    throw new BatonError('DEMO_MISSING', 'This installation has no demo.', { where: file, hint: 'Install the package anew.' });
  const child = spawn(process.execPath, [file, fileURLToPath(new URL('bin/baton.js', root)), ...rest], {
    stdio: 'inherit',
    env: { ...env },
  });
  // Ctrl-C reaches the demo by itself: it belongs to the same terminal.
  process.on('SIGINT', () => {});
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? EXIT.interrupted));
  });
}
