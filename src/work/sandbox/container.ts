/**
 * Walls by a container, where docker or podman answers: no network, a read-only root of a small image, no capabilities, and
 * limits that hold for all processes together. For machines whose kernel does not let bubblewrap work.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { probe } from './probe.ts';
import { behindRelay } from './relayed.ts';
import { INSIDE, SANDBOX_LIMITS, type Sandbox, type SandboxRequest } from './sandbox.ts';

export interface ContainerOptions {
  readonly uid?: number;
  /** Has bash and coreutils, and what the project's commands need. Default: `debian:12-slim`, which must be there already. */
  readonly image?: string;
}

const ENGINES = ['podman', 'docker'] as const;
const IMAGE = 'debian:12-slim';
const [ANSWER_MS, REMOVE_MS] = [3_000, 10_000];
const run = promisify(execFile);

export function createContainer({ uid = 61_234, image = IMAGE }: ContainerOptions = {}): Sandbox {
  const owner = process.getuid?.() === 0 ? { uid, gid: uid } : undefined;
  const sandbox: Sandbox = {
    name: 'container',
    ...(owner ? { owner } : {}),
    async probe() {
      const engine = await answering();
      if (engine === undefined) return probe(sandbox, 'neither docker nor podman answers');
      const there = await run(engine, ['image', 'inspect', image], { timeout: ANSWER_MS }).then(
        () => undefined,
        () => `${engine} answers, and has no image ${image} (${engine} pull ${image})`,
      );
      return probe(sandbox, there);
    },
    async wrap(request) {
      const engine = (await answering()) ?? ENGINES[0];
      const name = `baton-${randomBytes(8).toString('hex')}`;
      const user = owner ?? { uid: process.getuid?.() ?? uid, gid: process.getgid?.() ?? uid };
      return {
        command: [engine, ...argumentsOf(request, name, image, user)],
        env: {
          PATH: process.env['PATH'] ?? '',
          HOME: process.env['HOME'] ?? '/',
          ...(process.env['DOCKER_HOST'] ? { DOCKER_HOST: process.env['DOCKER_HOST'] } : {}),
        },
        release: async () => void (await run(engine, ['rm', '-f', name], { timeout: REMOVE_MS }).catch(() => {})),
      };
    },
  };
  return sandbox;
}

/** The client being installed says nothing: a daemon has to answer. */
async function answering(): Promise<(typeof ENGINES)[number] | undefined> {
  for (const engine of ENGINES) {
    const answers = await run(engine, ['version', '--format', '{{.Server.Version}}'], { timeout: ANSWER_MS }).then(
      () => true,
      () => false,
    );
    if (answers) return engine;
  }
  return undefined;
}

export function argumentsOf(
  request: SandboxRequest,
  name: string,
  image: string,
  user: { readonly uid: number; readonly gid: number },
): string[] {
  const { workspace, cwd = INSIDE, env, readOnly = [] } = request;
  const limits = { ...SANDBOX_LIMITS, ...request.limits };
  const { command, mounts } = behindRelay(request);
  return [
    ...['run', '--rm', '-i', '--init', '--name', name, '--network', 'none', '--read-only', '--cap-drop', 'ALL'],
    ...['--security-opt', 'no-new-privileges', '--user', `${user.uid}:${user.gid}`, '--workdir', cwd, '--hostname', 'baton'],
    ...['--pids-limit', String(limits.processes), '--memory', String(limits.memoryBytes), '--memory-swap', String(limits.memoryBytes)],
    ...[
      '--ulimit',
      `fsize=${limits.fileBytes}`,
      '--ulimit',
      `nofile=${limits.openFiles}`,
      '--ulimit',
      `cpu=${limits.cpuSeconds}`,
      '--ulimit',
      'core=0',
    ],
    ...['--tmpfs', `/tmp:rw,size=${limits.temporaryBytes},mode=1777`, '--tmpfs', `/home:rw,size=${limits.temporaryBytes},mode=1777`],
    ...['--mount', `type=bind,src=${workspace},dst=${INSIDE}`],
    ...readOnly.flatMap((path) => ['--mount', `type=bind,src=${workspace}/${path},dst=${INSIDE}/${path},readonly`]),
    ...mounts.flatMap(({ from, to = from, write }) => ['--mount', `type=bind,src=${from},dst=${to}${write ? '' : ',readonly'}`]),
    ...Object.entries({ HOME: '/home', TMPDIR: '/tmp', LANG: 'C.UTF-8', ...env }).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    image,
    ...command,
  ];
}
