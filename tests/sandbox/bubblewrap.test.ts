import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createBubblewrap } from '../../src/work/sandbox/bubblewrap.ts';
import { createSandboxes } from '../../src/work/sandbox/choose.ts';
import { argumentsOf } from '../../src/work/sandbox/container.ts';
import { isPublic, openGateway, proxyEnvironment } from '../../src/work/sandbox/gateway.ts';
import { probe } from '../../src/work/sandbox/probe.ts';
import type { Sandbox, SandboxRequest } from '../../src/work/sandbox/sandbox.ts';

const sandbox = createBubblewrap();
const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function workspace(): string {
  const folder = mkdtempSync(join(tmpdir(), 'baton-sandbox-'));
  made.push(folder);
  chmodSync(folder, 0o755);
  const inside = join(folder, 'w');
  mkdirSync(inside);
  if (sandbox.owner) chownSync(inside, sandbox.owner.uid, sandbox.owner.gid);
  return inside;
}

interface Ran {
  readonly out: string;
  readonly code: number | null;
}
async function sh(script: string, more: Partial<SandboxRequest> & { readonly input?: string } = {}): Promise<Ran> {
  const { input = '', ...request } = more;
  const wrapped = await sandbox.wrap({
    command: ['/bin/bash', '-c', script],
    workspace: request.workspace ?? workspace(),
    env: {},
    ...request,
  });
  const [program, ...args] = wrapped.command;
  const who = wrapped.uid === undefined ? {} : { uid: wrapped.uid, gid: wrapped.gid ?? wrapped.uid };
  const child = spawn(program, args, { cwd: '/', env: { OUTER: 'secret' }, ...who });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ out: out.trim(), code }));
  });
}

// req S1, S3
describe('the walls', () => {
  it('hold when they are tried', async () => {
    expect(await sandbox.probe()).toMatchObject({ ok: true, leaks: [] });
  });

  it('that are none are found out by the same probe', async () => {
    const none: Sandbox = {
      name: 'bubblewrap',
      probe: () => probe(none, undefined),
      async wrap({ command, workspace: folder, env }) {
        const script = (command[2] ?? '').replaceAll('/workspace', folder);
        return {
          command: [command[0], command[1] ?? '', script],
          env: { ...env, PATH: process.env['PATH'] ?? '' },
          release: async () => {},
        };
      },
    };
    const { ok, leaks } = await none.probe();
    expect(ok).toBe(false);
    expect(leaks).toEqual(expect.arrayContaining(['LEAK_READ', 'LEAK_WRITE', 'LEAK_NETWORK', 'LEAK_COUNT', 'LEAK_ENVIRONMENT']));
  });

  it('let nothing run where none holds, and say what each lacks', async () => {
    const broken: Sandbox = { ...sandbox, probe: async () => ({ ok: false, says: 'it leaks', leaks: ['LEAK_READ'], ms: 1 }) };
    const sandboxes = createSandboxes({ env: {}, candidates: [broken] });
    await expect(sandboxes.choose()).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE', message: expect.stringContaining('it leaks') });
  });

  it('show a workspace, a private home and temporary folder, and the environment that was given', async () => {
    const { out, code } = await sh('pwd; echo $GIVEN; env | grep -c OUTER; cd && pwd; ls -A ~ /tmp | wc -l; cat; exit 7', {
      env: { GIVEN: 'yes' },
      input: 'input',
    });
    expect(out.split('\n').map((line) => line.trim())).toEqual(['/workspace', 'yes', '0', '/home', '3', 'input']);
    expect(code).toBe(7);
  });

  it('let mounts be read, or written where it says so, and parts of the workspace only be read', async () => {
    const folder = workspace();
    const beside = workspace();
    writeFileSync(join(folder, 'kept'), 'kept');
    writeFileSync(join(beside, 'f'), 'beside');
    const { out } = await sh('cat /m/f; echo x > /m/g || echo no; echo y > /n/h && echo yes; echo z > kept || echo kept', {
      workspace: folder,
      mounts: [
        { from: beside, to: '/m' },
        { from: beside, to: '/n', write: true },
      ],
      readOnly: ['kept'],
    });
    expect(out).toMatch(/beside[\s\S]*no[\s\S]*yes[\s\S]*kept/);
    expect(readFileSync(join(beside, 'h'), 'utf8')).toBe('y\n');
  });

  it('name a folder that the user inside can’t come by', async () => {
    if (!sandbox.owner) return;
    const folder = workspace();
    chmodSync(join(folder, '..'), 0o700);
    await expect(sh('true', { workspace: folder })).rejects.toMatchObject({ code: 'SANDBOX_UNREACHABLE', where: join(folder, '..') });
  });
});

// req S2
describe('limits', () => {
  it.each([
    ['of one file', 'head -c 2000000 /dev/zero > big; ls -l big | cut -d" " -f5', { fileBytes: 1_000_000 }, /1000000|File size limit/],
    ['of processor time', 'while :; do :; done', { cpuSeconds: 1 }, /^$|Killed/],
    ['of the temporary folder', 'head -c 9000000 /dev/zero > /tmp/big || echo full', { temporaryBytes: 4_000_000 }, /full/],
    [
      'of memory',
      'perl -e \'my $x = "x" x 400_000_000; print "had\\n"\' || echo refused',
      { memoryBytes: 100_000_000 },
      /refused|Out of memory/,
    ],
    ['of processes', "sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; echo all'", { processes: 8 }, /fork/i],
  ])('%s', { timeout: 20_000 }, async (_name, script, limits, expected) => {
    const { out } = await sh(script, { limits });
    expect(out).toMatch(expected);
    expect(out).not.toMatch(/^(had|all)$/m);
  });

  it('end everything with the one process that is killed, whatever it has hidden away', async () => {
    const mark = `${process.pid}${Date.now()}`.slice(-9);
    const wrapped = await sandbox.wrap({
      command: ['/bin/bash', '-c', `setsid bash -c '(sleep ${mark} &) ; sleep ${mark}' & sleep ${mark}`],
      workspace: workspace(),
      env: {},
    });
    const [program, ...args] = wrapped.command;
    const child = spawn(program, args, { cwd: '/', env: {}, ...(wrapped.uid === undefined ? {} : { uid: wrapped.uid, gid: wrapped.uid }) });
    const left = async () => (await sh2(`pgrep -fc 'sleep ${mark}$' || true`)).trim();
    while ((await left()) !== '3') await sleep(50);
    child.kill('SIGKILL');
    await sleep(300);
    expect(await left()).toBe('0');
  });
});
const sh2 = (script: string): Promise<string> =>
  new Promise((resolve) => {
    const child = spawn('sh', ['-c', script]);
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.on('close', () => resolve(out));
  });

describe('the way out', () => {
  const served = async () => {
    const server = createHttpServer((request, response) => response.end(`hello ${request.headers.host}`));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { port: (server.address() as AddressInfo).port, close: () => server.close() };
  };

  it('leads to the domains it was given, and says of others how they would be', { timeout: 20_000 }, async () => {
    const { port, close } = await served();
    const folder = workspace();
    const socket = join(folder, '..', 's');
    const gateway = await openGateway({
      socket,
      ...(sandbox.owner ? { owner: sandbox.owner } : {}),
      allow: [`good.example:${port}`, 'rebound.example'],
      signal: new AbortController().signal,
      resolve: async () => ['127.0.0.1'],
      mayReach: (address) => address === '127.0.0.1',
    });
    const ask = (address: string) =>
      sh(`exec 3<>/dev/tcp/127.0.0.1/3128; printf 'GET ${address} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3; cat <&3`, {
        workspace: folder,
        env: proxyEnvironment(3128),
        relays: [{ port: 3128, socket }],
      });
    expect((await ask(`http://good.example:${port}/`)).out).toContain(`hello good.example:${port}`);
    expect((await ask('http://bad.example/')).out).toMatch(/403[\s\S]*bad\.example:80 is not among the domains/);
    expect((await ask(`http://good.example:${port + 1}/`)).out).toContain('403');
    expect(gateway.counts()).toEqual({ allowed: 1, refused: 2 });
    await gateway.close();
    close();
    expect(existsSync(socket)).toBe(false);
  });

  it('is closed to what is nobody’s on the internet', () => {
    for (const hidden of [
      '127.0.0.1',
      '10.1.2.3',
      '169.254.169.254',
      '192.168.0.1',
      '::1',
      '::ffff:127.0.0.1',
      'fe80::1',
      'fd00::1',
      '0.0.0.0',
      'nonsense',
    ])
      expect(isPublic(hidden), hidden).toBe(false);
    for (const open of ['1.1.1.1', '2606:4700::1111']) expect(isPublic(open), open).toBe(true);
  });

  it('is not there for whoever was not given one', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { out } = await sh(`(exec 3<>/dev/tcp/127.0.0.1/${(server.address() as AddressInfo).port}) && echo open || echo closed`);
    server.close();
    expect(out).toContain('closed');
  });
});

describe('a container', () => {
  it('is started without network, rights and a root that can be written', () => {
    const args = argumentsOf({ command: ['true'], workspace: '/w', env: { A: 'b' }, mounts: [{ from: '/m' }] }, 'n', 'image', {
      uid: 7,
      gid: 8,
    });
    const text = args.join(' ');
    for (const part of [
      '--network none',
      '--read-only',
      '--cap-drop ALL',
      'no-new-privileges',
      '--user 7:8',
      '--pids-limit 512',
      '--env A=b',
      'image true',
    ])
      expect(text).toContain(part);
    expect(text).toContain('type=bind,src=/m,dst=/m,readonly');
  });
});
