#!/usr/bin/env node
// Runs on any Node, to find one that is new enough. Imports only what Node 12 has, and nothing of Baton.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const WANTED = 24;
const root = new URL('../', import.meta.url);

if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V')) {
  console.log(JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).version);
} else if (Number(process.versions.node.split('.')[0]) >= WANTED) {
  if (module.enableCompileCache) module.enableCompileCache();
  const built = new URL('dist/main.js', root);
  await import((existsSync(built) ? built : new URL('src/main.ts', root)).href);
} else {
  const own = fileURLToPath(new URL('node_modules/node/bin/node', root));
  if (!existsSync(own) || process.env.BATON_REEXEC) {
    console.error(
      `baton needs Node.js ${WANTED} or newer; this is ${process.version} (${process.execPath}).\n` +
        `In a checkout run "npm ci" first, which brings it. Elsewhere install it from https://nodejs.org.`,
    );
    process.exit(1);
  }
  const child = spawn(own, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, BATON_REEXEC: '1' },
  });
  // Ctrl-C reaches the child by itself: the terminal sends it to the whole process group.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
