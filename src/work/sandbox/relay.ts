/**
 * Runs inside a sandbox, in front of the command: each `PORT=SOCKET` is a port on the loopback that leads to a unix socket
 * from outside. Starts the command with its own input and output, and ends as it does. Imports nothing but Node.
 */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';

const words = process.argv.slice(2);
const split = words.indexOf('--');
const [program = '', ...args] = words.slice(split + 1);
const ways = words.slice(0, split).map((way) => way.split('='));

await Promise.all(
  ways.map(
    ([port, socket = '']) =>
      new Promise<void>((resolve, reject) => {
        const server = createServer({ allowHalfOpen: true }, (near) => {
          const far = connect({ path: socket, allowHalfOpen: true });
          near.pipe(far).pipe(near);
          near.on('error', () => far.destroy());
          far.on('error', () => near.destroy());
          near.on('close', () => far.destroy());
        });
        server.on('error', reject);
        server.listen(Number(port), '127.0.0.1', resolve);
        server.unref();
      }),
  ),
);
const child = spawn(program, args, { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(`${program}: ${error.message}`);
  process.exit(127);
});
child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));
