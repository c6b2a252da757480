#!/usr/bin/env node
// Runs on any Node, to find one that is new enough: nothing here is newer than Node 12, and nothing of Baton is loaded.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const WANTED = 24;
const root = new URL('../', import.meta.url);

if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V')) {
  console.log(JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).version);
} else if (Number(process.versions.node.split('.')[0]) >= WANTED) {
  // A baton started by this one may meet an older Node again.
  delete process.env.BATON_REEXEC;
  import('node:module').then(({ enableCompileCache }) => {
    enableCompileCache();
    const built = new URL('dist/main.js', root);
    return import((existsSync(built) ? built : new URL('src/main.ts', root)).href);
  });
} else {
  const own = fileURLToPath(new URL('node_modules/node/bin/node', root));
  if (!existsSync(own) || process.env.BATON_REEXEC) {
    console.error(
      `baton needs Node.js ${WANTED} or newer; this is ${process.version} (${process.execPath}).\n` +
        `In a checkout run "npm ci" first, which brings it. Elsewhere install it from https://nodejs.org.`,
    );
    process.exit(1);
  }
  import('node:child_process').then(({ spawn }) => {
    const child = spawn(own, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: 'inherit',
      env: { ...process.env, BATON_REEXEC: '1' },
    });
    // Ctrl-C reaches the child by itself: the terminal sends it to the whole process group.
    process.on('SIGINT', () => {});
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code, signal) => {
      if (signal === null) process.exit(code === null ? 1 : code);
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    });
  });
}
