/**
 * Walls by a container, where docker or podman answers: no network, a read-only root of a small image, no capabilities, and
 * limits that hold for all processes together. For machines whose kernel does not let bubblewrap work.
 *
 * What is spawned is only the client; the container is somewhere else, and `release` ends and removes it.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { type Held, heldPaths } from './held.ts';
import { startInside } from './inside.ts';
import { probe } from './probe.ts';
import { refuseUnreachable } from './reachable.ts';
import { relayed } from './relayed.ts';
import { type CheckedRequest, checked, refused } from './request.ts';
import { INSIDE, type Sandbox, type SandboxRequest, type Wrapped } from './sandbox.ts';

export interface ContainerOptions {
  /** Of whoever is inside, when Baton is root. */
  readonly uid?: number;
  /** Has bash and coreutils, and what the project's commands need. Default: `debian:12-slim`, which must be there already. */
  readonly image?: string;
  /** Programs that speak to a daemon, in order of preference. */
  readonly engines?: readonly string[];
}

const ENGINES = ['podman', 'docker'];
const IMAGE = 'debian:12-slim';
const [ANSWER_MS, REMOVE_MS] = [3_000, 10_000];
/** What the client finds its daemon by. */
const CLIENT = ['PATH', 'HOME', 'XDG_RUNTIME_DIR', 'DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'CONTAINER_HOST'];
const run = promisify(execFile);

export function createContainer({ uid = 61_234, image = IMAGE, engines = ENGINES }: ContainerOptions = {}): Sandbox {
  const owner = process.getuid?.() === 0 ? { uid, gid: uid } : undefined;
  const user = owner ?? { uid: process.getuid?.() ?? uid, gid: process.getgid?.() ?? uid };
  let found: Promise<string | undefined> | undefined;
  const sandbox: Sandbox = {
    name: 'container',
    ...(owner ? { owner } : {}),
    async probe() {
      found = answering(engines);
      const engine = await found;
      if (engine === undefined) return probe(sandbox, { missing: `no daemon answers (${engines.join(', ')})` });
      const missing = await run(engine, ['image', 'inspect', image], { timeout: ANSWER_MS }).then(
        () => undefined,
        () => `${engine} answers, and has no image ${image} (${engine} pull ${image})`,
      );
      return probe(sandbox, { missing, holds: 'processes, memory: cgroup; the rest: rlimit' });
    },
    async wrap(request) {
      found ??= answering(engines);
      return wrapIn((await found) ?? engines[0] ?? 'docker', request, { image, user, owner });
    },
  };
  return sandbox;
}

/** The client being installed says nothing: a daemon has to answer. */
async function answering(engines: readonly string[]): Promise<string | undefined> {
  for (const engine of engines) {
    const answers = await run(engine, ['version', '--format', '{{.Server.Version}}'], { timeout: ANSWER_MS }).then(
      () => true,
      () => false,
    );
    if (answers) return engine;
  }
  return undefined;
}

export interface ContainerPlace {
  readonly image: string;
  readonly user: { readonly uid: number; readonly gid: number };
  readonly owner?: Sandbox['owner'];
}

export function wrapIn(engine: string, request: SandboxRequest, { image, user, owner }: ContainerPlace): Wrapped {
  const asked = checked(request);
  const relay = relayed(asked.relays, owner);
  const all = { ...asked, mounts: [...asked.mounts, ...relay.mounts] };
  refuseUnreachable(all.workspace, owner, 'write');
  for (const { from, write } of all.mounts) refuseUnreachable(from, owner, write ? 'write' : 'read');
  const held = heldPaths(all.workspace, all.readOnly);
  const started = startInside(all.command, all.env, held);
  const name = `baton-${randomBytes(8).toString('hex')}`;
  const client = Object.fromEntries(CLIENT.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key] ?? '']])));
  return {
    command: [
      engine,
      ...['run', '--rm', '-i', '--init', '--pull', 'never', '--name', name, '--network', 'none', '--read-only', '--cap-drop', 'ALL'],
      ...['--security-opt', 'no-new-privileges', '--user', `${user.uid}:${user.gid}`, '--workdir', all.cwd, '--hostname', 'baton'],
      // Whoever starts podman without being root is the same user inside.
      ...(engine === 'podman' && owner === undefined ? ['--userns', 'keep-id'] : []),
      ...limitsOf(all),
      ...mountsOf(all, held),
      ...Object.keys(started.env).flatMap((key) => ['--env', key]),
      image,
      ...relay.command,
      ...started.command,
    ],
    env: { ...client, ...started.env },
    release: async () => void (await run(engine, ['rm', '--force', name], { timeout: REMOVE_MS }).catch(() => {})),
  };
}

function limitsOf({ limits }: CheckedRequest): string[] {
  const { processes, memoryBytes, fileBytes, openFiles, cpuSeconds, temporaryBytes } = limits;
  const temporary = ['/tmp', '/home', '/dev/shm'].flatMap((path) => ['--tmpfs', `${path}:rw,size=${temporaryBytes},mode=1777`]);
  return [
    ...['--pids-limit', String(processes), '--memory', String(memoryBytes), '--memory-swap', String(memoryBytes)],
    ...['--ulimit', `fsize=${fileBytes}`, '--ulimit', `nofile=${openFiles}`, '--ulimit', `cpu=${cpuSeconds}`, '--ulimit', 'core=0'],
    ...temporary,
  ];
}

function mountsOf({ workspace, mounts }: CheckedRequest, held: readonly Held[]): string[] {
  const all = [
    { from: workspace, to: INSIDE, write: true },
    ...held.map(({ path, write }) => ({ from: `${workspace}/${path}`, to: `${INSIDE}/${path}`, write })),
    ...mounts,
  ];
  return all.flatMap(({ from, to, write }) => {
    // They are fields of a line.
    if (/[,"\n]/.test(from + to)) throw refused(`${from} has a comma, a quote or a line end in it, which a container can't mount`);
    return ['--mount', `type=bind,src=${from},dst=${to}${write ? '' : ',readonly'}`];
  });
}
