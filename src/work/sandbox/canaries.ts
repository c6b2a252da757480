/**
 * What must not be possible inside, each as a few lines of bash that end well when it was. Outside something is planted
 * for them to find: a file with a secret, one that anybody may write, a port that answers, a process, a variable.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { INSIDE, type SandboxLimits } from './sandbox.ts';

export interface Planted {
  /** Where everybody may enter; removed in the end. */
  readonly folder: string;
  /** In the file `secret`, and to be put into the environment that must not be inherited. */
  readonly token: string;
  readonly port: number;
  /** An argument that a process outside has. */
  readonly mark: string;
  readonly pidNamespace: string;
  readonly networkNamespace: string;
  /** Did anybody connect to the port? */
  reached(): boolean;
  remove(): Promise<void>;
}

/** Small enough to be exceeded at once. */
export const CANARY_LIMITS: Partial<SandboxLimits> = { processes: 24, fileBytes: 4 << 20, openFiles: 128, temporaryBytes: 1 << 20 };
const TOO_MANY_PROCESSES = 60;
const [TOO_LARGE, TOO_FULL] = [5 << 20, 2 << 20];

export const CANARIES = {
  LEAK_READ: ({ folder, token }) => `grep -q ${token} ${folder}/secret`,
  LEAK_WRITE: ({ folder }) => `echo x > ${folder}/open`,
  LEAK_SHADOW: () => 'cat /etc/shadow',
  LEAK_SYSTEM: () => 'for f in / /dev /etc /run /usr; do echo x > $f/baton-canary && rm $f/baton-canary && exit 0; done; exit 1',
  LEAK_NETWORK: ({ port }) => `exec 3<>/dev/tcp/127.0.0.1/${port}`,
  LEAK_NETWORK_NAMESPACE: ({ networkNamespace }) => `test "$(readlink /proc/self/ns/net)" = '${networkNamespace}'`,
  LEAK_PID_NAMESPACE: ({ pidNamespace }) => `test "$(readlink /proc/self/ns/pid)" = '${pidNamespace}'`,
  LEAK_PROCESSES: ({ mark }) =>
    `for f in /proc/[0-9]*/cmdline; do while read -rd '' word; do test "$word" = ${mark} && exit 0; done < $f; done; exit 1`,
  LEAK_ENVIRONMENT: ({ token }) => `grep -aq ${token} /proc/[0-9]*/environ`,
  // What is there already is written, so that where it can be, nothing changes.
  LEAK_SYSCTL: () => 'was=$(cat /proc/sys/kernel/printk); echo "$was" > /proc/sys/kernel/printk',
  LEAK_NAMESPACE: () => 'unshare -r true || unshare -m true',
  LEAK_ROOT: () => 'test "$(id -u)" = 0',
  LEAK_RIGHTS: () => "! grep -q '^NoNewPrivs:.*1$' /proc/self/status || ! grep -q '^CapEff:[^1-9a-f]*$' /proc/self/status",
  LEAK_FILE_SIZE: () => `trap '' XFSZ; head -c ${TOO_LARGE} /dev/zero > ${INSIDE}/large; ok=$?; rm -f ${INSIDE}/large; exit $ok`,
  LEAK_OPEN_FILES: () => `test "$(ulimit -n)" -gt ${CANARY_LIMITS.openFiles}`,
  LEAK_TEMPORARY: () =>
    `for f in /tmp /dev/shm ~; do head -c ${TOO_FULL} /dev/zero > $f/full; ok=$?; rm -f $f/full; test $ok = 0 && exit 0; done; exit 1`,
  // The last one: what it starts is in the way of whatever comes after. `sh`, other than `bash`, gives up when it can't fork.
  LEAK_COUNT: () => `sh -c 'i=0; while [ $i -lt ${TOO_MANY_PROCESSES} ]; do sleep 1 & i=$((i+1)); done'`,
} as const satisfies Record<string, (planted: Planted) => string>;
export type Canary = keyof typeof CANARIES;

/** Bash that says the names of the walls that are not there. */
export const scriptOf = (planted: Planted, names: readonly Canary[] = Object.keys(CANARIES) as Canary[]): string =>
  names.map((name) => `( ${CANARIES[name](planted)} ) > /dev/null 2>&1 && echo ${name}`).join('\n');

export const leaksIn = (output: string): Canary[] => [...new Set(output.match(/LEAK_\w+/g) ?? [])] as Canary[];

export async function plant(): Promise<Planted> {
  const folder = mkdtempSync(join(tmpdir(), 'baton-canary-'));
  chmodSync(folder, 0o755);
  const token = randomBytes(12).toString('hex');
  const mark = randomBytes(12).toString('hex');
  writeFileSync(join(folder, 'secret'), token);
  writeFileSync(join(folder, 'open'), '');
  chmodSync(join(folder, 'open'), 0o666);
  let reached = false;
  const server = createServer((socket) => {
    reached = true;
    socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const found = shellThatWaits(mark);
  return {
    folder,
    token,
    port: (server.address() as AddressInfo).port,
    mark,
    pidNamespace: readlinkSync('/proc/self/ns/pid'),
    networkNamespace: readlinkSync('/proc/self/ns/net'),
    reached: () => reached,
    async remove() {
      found.stdin?.end();
      if (found.exitCode === null) await once(found, 'exit');
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Ends when its input does, at the latest with this process. */
const shellThatWaits = (argument: string): ChildProcess =>
  spawn('/bin/sh', ['-c', 'read _', 'sh', argument], { stdio: ['pipe', 'ignore', 'ignore'], env: {}, cwd: '/' });
