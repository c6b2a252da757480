/**
 * Runs inside a sandbox, in front of the command: each `PORT=SOCKET` before `--` is a port on the loopback that leads to
 * a unix socket from outside. Starts the command with its own input and output, and ends as it does.
 *
 * It gets there as a text, by `node -e`, so that no folder of Baton's has to be shown; and it is plain JavaScript, so that
 * any Node since 18 can be the one to run it.
 */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';
import { pipeline } from 'node:stream';

const words = process.argv.slice(1);
const split = words.indexOf('--');
const [program = '', ...args] = words.slice(split + 1);

for (const way of words.slice(0, split)) {
  const [port, socket = ''] = way.split('=');
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ path: socket, allowHalfOpen: true });
    // A stream that ends early takes the other direction with it; what was written before is delivered.
    pipeline(near, far, (error) => error && near.destroy());
    pipeline(far, near, (error) => error && near.destroy());
  });
  await new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(Number(port), '127.0.0.1', () => resolve(undefined));
  });
  server.unref();
}

const child = spawn(program, args, { stdio: 'inherit' });
process.on('SIGTERM', () => child.kill('SIGTERM'));
process.on('SIGINT', () => child.kill('SIGINT'));
process.on('SIGHUP', () => child.kill('SIGHUP'));
child.on('error', (error) => {
  console.error(`${program}: ${error.message}`);
  process.exit(127);
});
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Node ignores a few signals that would end others.
  setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
});
