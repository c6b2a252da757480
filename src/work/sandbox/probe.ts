/**
 * Tries every wall for real: a small script inside does what must not be possible, and says which of it was. A sandbox
 * with one leak is no sandbox.
 */
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { INSIDE, type Probe, type Sandbox } from './sandbox.ts';

/** Limit of the whole probe, in milliseconds. */
const PROBE_MS = 15_000;
const [PROCESSES, PROCESSES_TRIED] = [24, 60];

/** @param missing why it can't even be tried */
export async function probe(sandbox: Sandbox, missing: string | undefined): Promise<Probe> {
  const began = performance.now();
  const tell = (ok: boolean, says: string, leaks: readonly string[] = []): Probe => ({
    ok,
    says,
    leaks,
    ms: Math.round(performance.now() - began),
  });
  if (missing !== undefined) return tell(false, missing);
  const folder = mkdtempSync(join(tmpdir(), 'baton-probe-'));
  const server = createServer((socket) => socket.destroy());
  let reached = false;
  server.on('connection', () => {
    reached = true;
  });
  try {
    chmodSync(folder, 0o755);
    const [workspace, canary] = [join(folder, 'workspace'), join(folder, 'canary')];
    mkdirSync(workspace);
    if (sandbox.owner) chownSync(workspace, sandbox.owner.uid, sandbox.owner.gid);
    writeFileSync(canary, 'secret');
    chmodSync(canary, 0o666);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { output, code } = await run(sandbox, workspace, scriptOf(canary, port));
    const leaks = [...new Set(output.match(/LEAK_\w+/g) ?? []), ...(reached ? ['LEAK_NETWORK'] : [])];
    if (!output.includes('INSIDE_WORKS') || !existsSync(join(workspace, 'made')))
      return tell(false, `nothing runs in it (${code}): ${output.trim().slice(0, 300)}`, leaks);
    if (leaks.length > 0) return tell(false, `its walls leak: ${leaks.join(', ')}`, leaks);
    return tell(true, 'files, network, processes, users and environment: closed; memory, CPU and file size: limited for each process');
  } catch (error) {
    return tell(false, error instanceof Error ? error.message : String(error));
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A shell that gives up when it can't fork (`sh`, other than `bash`) counts the processes. */
const scriptOf = (canary: string, port: number): string => `
echo made > ${INSIDE}/made && echo INSIDE_WORKS
cat ${canary} 2>/dev/null && echo LEAK_READ
echo x 2>/dev/null > ${canary} && echo LEAK_WRITE
cat /etc/shadow 2>/dev/null && echo LEAK_SHADOW
(exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null && echo LEAK_NETWORK
(echo 1 > /proc/sys/kernel/printk) 2>/dev/null && echo LEAK_SYSCTL
unshare -r true 2>/dev/null && echo LEAK_NAMESPACE
test "$(id -u)" = 0 && echo LEAK_ROOT
test -n "$BATON_PROBE_SECRET" && echo LEAK_ENVIRONMENT
test "$(ls /proc | grep -c '^[0-9]')" -gt 20 && echo LEAK_PROCESSES
sh -c 'i=0; while [ $i -lt ${PROCESSES_TRIED} ]; do sleep 1 & i=$((i+1)); done; echo LEAK_COUNT' 2>/dev/null
exit 0`;

async function run(
  sandbox: Sandbox,
  workspace: string,
  script: string,
): Promise<{ readonly output: string; readonly code: number | null }> {
  const wrapped = await sandbox.wrap({ command: ['/bin/bash', '-c', script], workspace, env: {}, limits: { processes: PROCESSES } });
  const [program, ...args] = wrapped.command;
  const who = { ...(wrapped.uid === undefined ? {} : { uid: wrapped.uid }), ...(wrapped.gid === undefined ? {} : { gid: wrapped.gid }) };
  try {
    return await new Promise((resolve, reject) => {
      const env = { ...wrapped.env, BATON_PROBE_SECRET: 'secret' };
      const child = spawn(program, args, {
        env,
        cwd: '/',
        stdio: ['ignore', 'pipe', 'pipe'],
        ...who,
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
