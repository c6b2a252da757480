/** Restate's server, started anew for each measurement with its defaults, on ports of this machine only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entrant, Env } from '../../entrant.ts';
import { freePort } from '../../ports.ts';
import { install } from '../install.ts';

const START_MS = 30_000;

export async function restate(cache: string): Promise<Entrant> {
  const installed = await install(cache, 'restate');
  const platform = `${process.platform}-${process.arch}`;
  const program = join(installed.folder, `node_modules/@restatedev/restate-server-${platform}/bin/restate-server`);
  const [ingress, admin, node, service] = [await freePort(), await freePort(), await freePort(), await freePort()];
  let server: ChildProcess | undefined;
  let data = '';

  async function kill(): Promise<void> {
    const running = server;
    server = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await gone;
  }

  async function start(): Promise<Env> {
    server = spawn(program, ['--base-dir', data, '--no-logo'], {
      stdio: 'ignore',
      env: {
        ...process.env,
        RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
        RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
        RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
        RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
        RESTATE_LISTEN_MODE: 'tcp',
        RESTATE_DISABLE_TELEMETRY: 'true',
        RESTATE_LOG_FILTER: 'error',
      },
    });
    const addresses = { INGRESS: `http://127.0.0.1:${ingress}`, ADMIN: `http://127.0.0.1:${admin}` };
    await healthy(`${addresses.INGRESS}/restate/health`);
    await healthy(`${addresses.ADMIN}/health`);
    return { ...addresses, SERVICE_PORT: String(service), SERVER_PIDS: String(server.pid ?? '') };
  }

  return {
    name: 'Restate',
    version: installed.version('@restatedev/restate-server'),
    durable: true,
    promises: 'a step’s result is in the server’s log before the next; invocations go on by themselves',
    script: installed.script,
    async fresh(folder) {
      await kill();
      data = join(folder, 'restate');
      return start();
    },
    // Its server holds what is durable, as Baton's own process does.
    crash: kill,
    restart: start,
    stop: kill,
  };
}

async function healthy(address: string): Promise<void> {
  for (let waited = 0; waited < START_MS; waited += 20) {
    const well = await fetch(address).then(
      ({ ok }) => ok,
      () => false,
    );
    if (well) return;
    await sleep(20);
  }
  throw new Error(`Restate's server did not answer at ${address}`);
}
