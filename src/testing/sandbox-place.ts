/** A workspace to try a sandbox in, and a way to run something there: what the suite of sandboxes stands on. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { chmodSync, chownSync, closeSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Sandbox, SandboxRequest } from '../work/sandbox/sandbox.ts';

/** Longest time anything may take here, and what somebody left behind may keep the output open for, in milliseconds. */
const [ENDED_MS, LINGER_MS] = [60_000, 1_000];

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
export interface Ask extends Partial<SandboxRequest> {
  readonly input?: string;
  /** Called once it has been spawned. */
  readonly meanwhile?: (child: ChildProcess) => Promise<void>;
}

export class SandboxPlace {
  readonly sandbox: Sandbox;
  /** Whoever is inside may come by here, and write nothing. */
  readonly folder: string;
  readonly workspace: string;

  constructor(sandbox: Sandbox, within = tmpdir()) {
    this.sandbox = sandbox;
    this.folder = realpathSync(mkdtempSync(join(within, 'baton-sandbox-')));
    chmodSync(this.folder, 0o755);
    this.workspace = this.make('workspace');
  }

  /** A folder that is theirs. */
  make(path: string): string {
    const folder = join(this.folder, path);
    mkdirSync(folder, { recursive: true });
    for (let at = folder; at !== this.folder; at = dirname(at)) this.give(at);
    return folder;
  }

  give(path: string): void {
    if (this.sandbox.owner) chownSync(path, this.sandbox.owner.uid, this.sandbox.owner.gid);
  }

  /** Runs lines of bash. */
  sh(script: string, ask: Ask = {}): Promise<Ran> {
    return this.run(['/bin/bash', '-c', script], ask);
  }

  async run(command: readonly [string, ...string[]], { input = '', meanwhile, ...request }: Ask = {}): Promise<Ran> {
    const wrapped = await this.sandbox.wrap({ command, workspace: this.workspace, env: {}, ...request });
    const [program, ...args] = wrapped.command;
    const who = wrapped.uid === undefined ? {} : { uid: wrapped.uid, gid: wrapped.gid ?? wrapped.uid };
    try {
      return await new Promise((resolve, reject) => {
        // Baton may have been started with anything open.
        const open = openSync('/proc/self/status', 'r');
        const options = { ...who, cwd: '/', env: wrapped.env, timeout: ENDED_MS, killSignal: 'SIGKILL' } as const;
        const child = spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe', open] }) as ChildProcessWithoutNullStreams;
        closeSync(open);
        const said = { stdout: '', stderr: '' };
        for (const name of ['stdout', 'stderr'] as const)
          child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
        child.on('error', reject);
        const ended = (code: number | null) => resolve({ code, ...said });
        child.on('close', ended);
        child.on('exit', (code) => setTimeout(() => ended(code), LINGER_MS).unref());
        child.stdin.on('error', () => undefined);
        child.stdin.end(input);
        meanwhile?.(child).catch(reject);
      });
    } finally {
      await wrapped.release();
      await wrapped.release();
    }
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
