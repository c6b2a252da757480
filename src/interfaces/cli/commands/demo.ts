import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BatonError } from '../../../errors.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';

/** The demo is a program of its own beside the examples; it drives this binary as a person would. */
export const demo: Handler<object> = async ({ env, out }) => {
  const root = new URL('../../../../', import.meta.url);
  const file = ['examples/demo/demo.js', 'examples/demo/demo.ts']
    .map((path) => fileURLToPath(new URL(path, root)))
    .find((path) => existsSync(path));
  if (file === undefined)
    throw new BatonError('DEMO_MISSING', 'This installation has no demo.', {
      where: fileURLToPath(root),
      hint: 'Install the package anew.',
    });
  const child = spawn(process.execPath, [file, fileURLToPath(new URL('bin/baton.js', root)), ...(out.json ? ['--json'] : [])], {
    stdio: 'inherit',
    env: { ...env },
  });
  // Ctrl-C reaches the demo by itself: it belongs to the same terminal.
  process.on('SIGINT', () => {});
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? EXIT.interrupted));
  });
};
