/**
 * What somebody who gets out of a sandbox would find: files, sockets and processes outside, some of them of the same user.
 * A command runs in it with walls or without, and what became of the things outside tells whether it got there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SandboxPlace } from '../../../src/testing/sandbox-place.ts';
import type { Sandbox, SandboxLimits } from '../../../src/work/sandbox/sandbox.ts';

/** Longest time one try may take, and what it left behind may keep its output open for, in milliseconds. */
const [TRY_MS, LINGER_MS] = [20_000, 500];

export interface Attempt {
  /** Bash. `$W` is the workspace, `$RIG` the folder outside that everything is in. */
  readonly script: string;
  readonly limits?: Partial<SandboxLimits>;
  /** Stands in front of what is spawned, outside: brings something along that must not be handed on. */
  readonly before?: readonly [string, ...string[]];
  /** Is killed when this is there; what goes on afterwards is what it is about. */
  readonly killWhen?: (rig: Rig) => boolean;
}

export class Rig {
  readonly token = randomBytes(12).toString('hex');
  readonly place: SandboxPlace;
  /** A process of the same user, with the token as its last argument. */
  readonly victim: ChildProcess;
  private readonly servers: Server[] = [];
  private readonly reached = new Set<string>();
  private readonly sandbox: Sandbox;
  private variables: Readonly<Record<string, string>> = {};

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
    this.place = new SandboxPlace(sandbox);
    this.plant();
    this.victim = spawn('/bin/sh', ['-c', 'read _', 'sh', this.token], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
      cwd: '/',
      ...sandbox.owner,
    });
  }

  private plant(): void {
    const { place, token } = this;
    writeFileSync(this.path('secret'), token);
    for (const folder of ['open', 'neighbour']) place.make(folder);
    chmodSync(this.path('open'), 0o777);
    chmodSync(this.path('neighbour'), 0o700);
    writeFileSync(this.path('theirs'), '');
    place.give(this.path('theirs'));
    writeFileSync(this.path('mine'), token, { mode: 0o600 });
    // Two files of root's in the workspace: one that lends root's rights to whoever starts it, and one that only root may read.
    copyFileSync('/bin/cat', join(place.workspace, 'lent'));
    writeFileSync(join(place.workspace, 'roots'), token, { mode: 0o600 });
    if (this.sandbox.owner) chownSync(join(place.workspace, 'lent'), 0, 0);
    chmodSync(join(place.workspace, 'lent'), 0o4755);
  }

  /** Must be called once before anything is tried. */
  async open(): Promise<void> {
    const port = await this.listen('port', { host: '127.0.0.1', port: 0 });
    const abstract = `baton-${this.token}`;
    await this.listen('abstract', { path: `\0${abstract}` });
    await this.listen('socket', { path: this.path('socket') });
    chmodSync(this.path('socket'), 0o777);
    mkdirSync(this.path('seen'));
    this.variables = { RIG: this.place.folder, PORT: String(port), ABSTRACT: abstract, VICTIM: String(this.victim.pid) };
  }

  private async listen(name: string, where: ListenOptions): Promise<number | undefined> {
    const server = createServer((socket) => {
      this.reached.add(name);
      socket.destroy();
    });
    this.servers.push(server);
    await once(server.listen(where), 'listening');
    const address = server.address();
    return typeof address === 'object' ? (address as AddressInfo | null)?.port : undefined;
  }

  path(name: string): string {
    return join(this.place.folder, name);
  }
  has(name: string): boolean {
    return existsSync(this.path(name)) && statSync(this.path(name)).size > 0;
  }
  wasReached(name: 'port' | 'abstract' | 'socket'): boolean {
    return this.reached.has(name);
  }
  get victimIsGone(): boolean {
    return this.victim.exitCode !== null || this.victim.signalCode !== null;
  }

  /** Gives what it printed. */
  async run({ script, limits, before = ['/usr/bin/env'], killWhen }: Attempt, walls: boolean): Promise<string> {
    const { sandbox, place, variables } = this;
    const command = ['/bin/bash', '-c', script] as const;
    const wrapped = walls
      ? await sandbox.wrap({ command, workspace: place.workspace, env: { ...variables, W: '/workspace' }, ...(limits ? { limits } : {}) })
      : { command, env: { ...process.env, ...variables, W: place.workspace }, ...sandbox.owner, release: async () => {} };
    const [program, ...args] = [...before, ...wrapped.command];
    const who = wrapped.uid === undefined ? {} : { uid: wrapped.uid, gid: wrapped.gid ?? wrapped.uid };
    const stdio = ['ignore', 'pipe', 'ignore', openSync(this.path('mine'), 'r')] as const;
    const child = spawn(program, args, { ...who, env: wrapped.env, cwd: '/', stdio: [...stdio], timeout: TRY_MS, killSignal: 'SIGKILL' });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
    const ended = Promise.race([once(child, 'close'), once(child, 'exit').then(() => sleep(LINGER_MS))]);
    if (killWhen) {
      while (!killWhen(this)) await sleep(20);
      child.kill('SIGKILL');
    }
    await ended;
    await wrapped.release();
    return output;
  }

  /** How much of a file in the workspace there is. */
  written(name: string): number {
    const file = join(this.place.workspace, name);
    return existsSync(file) ? readFileSync(file).length : 0;
  }

  async close(): Promise<void> {
    this.victim.kill('SIGKILL');
    if (!this.victimIsGone) await once(this.victim, 'exit');
    for (const server of this.servers) server.close();
    this.place.dispose();
  }
}
