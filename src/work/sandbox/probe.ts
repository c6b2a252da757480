/**
 * Tries every wall for real: what must not be possible is done inside, and what of it was possible is told. A sandbox with
 * one leak is no sandbox.
 */
import { spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CANARY_LIMITS, leaksIn, type Planted, plant, scriptOf } from './canaries.ts';
import { INSIDE, type Probe, type Sandbox } from './sandbox.ts';

/** Limit of the whole probe, in milliseconds. */
const PROBE_MS = 15_000;
const SAID_MAX = 300;
const WORKS = 'INSIDE_WORKS';
const SECRET_VARIABLE = 'BATON_CANARY';

export interface ProbeOptions {
  /** Why it can't even be tried. */
  readonly missing?: string | undefined;
  /** What holds the limits. */
  readonly holds?: string;
}

/** Never throws. */
export async function probe(sandbox: Sandbox, { missing, holds = 'rlimit' }: ProbeOptions): Promise<Probe> {
  const began = performance.now();
  const tell = (ok: boolean, says: string, leaks: readonly string[] = []): Probe => ({
    ok,
    says,
    leaks,
    ms: Math.round(performance.now() - began),
  });
  if (missing !== undefined) return tell(false, missing);
  let planted: Planted | undefined;
  try {
    planted = await plant();
    const workspace = join(planted.folder, 'workspace');
    mkdirSync(workspace);
    if (sandbox.owner) chownSync(workspace, sandbox.owner.uid, sandbox.owner.gid);
    const { output, code } = await run(sandbox, workspace, planted);
    const leaks = [...leaksIn(output), ...(planted.reached() && !output.includes('LEAK_NETWORK') ? ['LEAK_NETWORK'] : [])];
    if (!output.includes(WORKS) || !existsSync(join(workspace, 'made')))
      return tell(false, `nothing runs in it (${code}): ${output.trim().slice(0, SAID_MAX)}${remedyFor(output)}`, leaks);
    return leaks.length > 0 ? tell(false, `its walls leak: ${leaks.join(', ')}`, leaks) : tell(true, holds);
  } catch (error) {
    return tell(false, error instanceof Error ? error.message : String(error));
  } finally {
    await planted?.remove();
  }
}

/** What systems that forbid namespaces to their users let bubblewrap say. */
const remedyFor = (output: string): string =>
  /uid map|namespace|clone|No permissions/i.test(output)
    ? '. This system does not let its users make namespaces: see kernel.apparmor_restrict_unprivileged_userns (Ubuntu), kernel.unprivileged_userns_clone (Debian), user.max_user_namespaces'
    : '';

async function run(
  sandbox: Sandbox,
  workspace: string,
  planted: Planted,
): Promise<{ readonly output: string; readonly code: number | null }> {
  const script = `echo made > ${INSIDE}/made && echo ${WORKS}\n${scriptOf(planted)}\nexit 0`;
  // Of all that this process has in its environment, this is what must not get inside.
  process.env[SECRET_VARIABLE] = planted.token;
  const wrapped = await sandbox
    .wrap({ command: ['/bin/bash', '-c', script], workspace, env: {}, limits: CANARY_LIMITS })
    .finally(() => delete process.env[SECRET_VARIABLE]);
  const [program, ...args] = wrapped.command;
  const who = wrapped.uid === undefined ? {} : { uid: wrapped.uid, gid: wrapped.gid ?? wrapped.uid };
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        ...who,
        env: wrapped.env,
        cwd: '/',
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: PROBE_MS,
        killSignal: 'SIGKILL',
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.on('error', reject);
      child.on('close', (code) => resolve({ output, code }));
    });
  } finally {
    await wrapped.release();
  }
}
