// req S2: no network but the domains that the policy names.
import { once } from 'node:events';
import { constants, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SandboxPlace } from '../../src/testing/sandbox-place.ts';
import { isPublic } from '../../src/work/sandbox/addresses.ts';
import { createBubblewrap } from '../../src/work/sandbox/bubblewrap.ts';
import { domainsOf } from '../../src/work/sandbox/domains.ts';
import { type Gateway, type GatewayOptions, openGateway, proxyEnvironment } from '../../src/work/sandbox/gateway.ts';

let folder: string;
let gateway: Gateway | undefined;
const closing: (() => void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'baton-gateway-'));
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  for (const close of closing.splice(0)) close();
  rmSync(folder, { recursive: true, force: true });
});

/** Every name leads to this machine, which may be reached. */
const HERE = { resolve: async () => ['127.0.0.1'], mayReach: (address: string) => address === '127.0.0.1' };
async function open(options: Partial<GatewayOptions> & Pick<GatewayOptions, 'allow'>): Promise<Gateway> {
  gateway = await openGateway({ socket: join(folder, 's'), signal: new AbortController().signal, ...HERE, ...options });
  return gateway;
}
async function httpServer(listener: RequestListener): Promise<number> {
  const server = createHttpServer(listener).listen(0, '127.0.0.1');
  closing.push(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
async function tcpServer(listener: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, listener).listen(0, '127.0.0.1');
  closing.push(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface Answer {
  readonly code: number | undefined;
  readonly text: string;
}
async function ask(address: string, { method = 'GET', body = '' } = {}): Promise<Answer> {
  const request = httpRequest({
    socketPath: join(folder, 's'),
    method,
    path: address,
    agent: false,
    headers: { 'proxy-authorization': 'x', host: 'x' },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { code: response.statusCode, text: await text(response) };
}
/** CONNECT, and the tunnel when there is one. */
async function tunnel(target: string): Promise<Answer & { readonly socket: Socket }> {
  const socket = connect({ path: join(folder, 's'), allowHalfOpen: true }).on('error', () => undefined);
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.pause();
  const code = Number(first.toString().split(' ')[1]);
  // What came right behind it is of the other side.
  if (code === 200) socket.unshift(first.subarray(first.indexOf('\r\n\r\n') + 4));
  return { code, text: first.toString(), socket };
}

describe('the way out', () => {
  it('leads to the domains that are named, by http and by a tunnel', async () => {
    const port = await httpServer((request, response) =>
      response.end(`${request.method} ${request.url} ${request.headers.host} ${request.headers['proxy-authorization']}`),
    );
    const { counts } = await open({ allow: [`good.example:${port}`] });
    expect(await ask(`http://good.example:${port}/path?q=1`)).toEqual({ code: 200, text: `GET /path?q=1 good.example:${port} undefined` });
    expect((await ask(`http://GOOD.example.:${port}/`)).code).toBe(200);
    const { socket, code } = await tunnel(`good.example:${port}`);
    expect(code).toBe(200);
    socket.end('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    expect(await text(socket)).toContain('GET / h undefined');
    expect(counts()).toEqual({ allowed: 3, refused: 0 });
  });

  it('says of every other one where it would be named', async () => {
    const said: string[] = [];
    const { counts } = await open({ allow: ['good.example', '*.fine.example'], log: (line) => said.push(line) });
    const refusal =
      /bad\.example:\d+ is not among the domains this task may reach \(good\.example, \*\.fine\.example\)\. Name it in the task's `network`\./;
    expect(await ask('http://bad.example/')).toEqual({ code: 403, text: expect.stringMatching(refusal) });
    const { code, text: answered, socket } = await tunnel('bad.example:443');
    expect([code, answered]).toEqual([403, expect.stringMatching(refusal)]);
    socket.destroy();
    expect(counts()).toEqual({ allowed: 0, refused: 2 });
    expect(said).toEqual([expect.stringMatching(/^refused: bad\.example:80 /), expect.stringMatching(/^refused: bad\.example:443 /)]);
  });

  it.each([
    'http://good.example@bad.example/',
    'http://good.example:80@bad.example/',
    'http://bad.example/#good.example',
    'http://good.example.bad.example/',
    'http://notgood.example/',
    'http://good.example:81/',
    'http://127.0.0.1/',
    'http://0x7f.1/',
    'http://[::1]/',
    'http://[::ffff:7f00:1]/',
  ])('is not led astray by %s', async (address) => {
    await open({ allow: ['good.example'] });
    expect((await ask(address)).code).toBe(403);
  });

  it.each([
    'good.example',
    'good.example:x',
    'good.example:443@bad.example:443',
    'good.example/x:443',
    ':443',
    '[::1:443',
    'good.example%2ebad.example:443',
  ])('opens no tunnel to %s', async (target) => {
    const { counts } = await open({ allow: ['good.example'] });
    const { code, socket } = await tunnel(target);
    socket.destroy();
    expect(code).toBe(400);
    expect(counts().allowed).toBe(0);
  });

  it.each(['/path', 'https://good.example/', 'ftp://good.example/', 'http://bad.example\\@good.example/'])(
    'does not take %s for an http address',
    async (address) => {
      await open({ allow: ['good.example'] });
      expect((await ask(address)).code).toBe(400);
    },
  );
});

describe('a name', () => {
  it.each([['127.0.0.1'], ['10.0.0.1'], ['169.254.169.254'], ['::1'], ['1.1.1.1', '192.168.1.1']])(
    'that leads to %s is refused',
    async (...addresses) => {
      await open({ allow: ['good.example'], resolve: async () => addresses, mayReach: isPublic });
      expect(await ask('http://good.example/')).toEqual({
        code: 403,
        text: expect.stringContaining('good.example is allowed, and leads to'),
      });
      expect((await tunnel('good.example:443')).code).toBe(403);
    },
  );

  it('is asked for once, and what was judged is what is connected to', async () => {
    const port = await httpServer((_, response) => response.end('here'));
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    const asked: string[] = [];
    await open({
      // No name server knows it.
      allow: [`rebound.invalid:${port}`],
      resolve: async (name) => {
        asked.push(name);
        return answers.shift() ?? [];
      },
    });
    expect((await ask(`http://rebound.invalid:${port}/`)).text).toBe('here');
    expect((await ask(`http://rebound.invalid:${port}/`)).code).toBe(403);
    expect(asked).toEqual(['rebound.invalid', 'rebound.invalid']);
  });

  it('without an address, or behind which nobody answers, is told', async () => {
    await open({ allow: ['gone.example', 'shut.example:1'], resolve: async (name) => (name === 'gone.example' ? [] : ['127.0.0.1']) });
    expect(await ask('http://gone.example/')).toEqual({ code: 403, text: 'gone.example is allowed, and has no address.\n' });
    expect(await ask('http://shut.example:1/')).toEqual({ code: 502, text: expect.stringContaining("shut.example:1 can't be reached") });
    expect(await tunnel('shut.example:1')).toMatchObject({ code: 502, text: expect.stringContaining('ECONNREFUSED') });
  });

  it('is tried at its other address when one does not answer', async () => {
    const port = await httpServer((_, response) => response.end('here'));
    await open({ allow: [`good.example:${port}`], resolve: async () => ['127.0.0.2', '127.0.0.1'], mayReach: () => true });
    expect((await ask(`http://good.example:${port}/`)).text).toBe('here');
  });
});

describe('what goes through', () => {
  it('is whole, both ways, however slowly it is read', async () => {
    const large = 'x'.repeat(8 << 20);
    const port = await tcpServer(async (socket) => {
      const length = (await text(socket)).length;
      socket.end(`${length} ${large}`);
    });
    await open({ allow: [`good.example:${port}`] });
    const { socket } = await tunnel(`good.example:${port}`);
    socket.end(large);
    await once(socket, 'finish');
    const answer = await text(socket);
    expect(answer.length).toBe(large.length + `${large.length} `.length);
  });

  it('goes on one way when the other has ended', async () => {
    const heard = Promise.withResolvers<string>();
    const port = await tcpServer(async (socket) => {
      socket.end('that was all');
      heard.resolve(await text(socket));
    });
    await open({ allow: [`good.example:${port}`] });
    const { socket } = await tunnel(`good.example:${port}`);
    expect(await text(socket)).toBe('that was all');
    socket.end('and this');
    expect(await heard.promise).toBe('and this');
  });

  it('keeps its body, code and headers by http too', async () => {
    const port = await httpServer(async (request, response) =>
      response.writeHead(418, { 'x-kept': 'yes' }).end(`got ${(await text(request)).length}`),
    );
    await open({ allow: [`good.example:${port}`] });
    expect(await ask(`http://good.example:${port}/`, { method: 'POST', body: 'x'.repeat(1 << 20) })).toEqual({
      code: 418,
      text: `got ${1 << 20}`,
    });
  });

  it('says nothing of the gateway’s own into a tunnel that breaks', async () => {
    const port = await tcpServer((socket) => {
      socket.write('begin');
      socket.on('data', () => socket.resetAndDestroy());
    });
    await open({ allow: [`good.example:${port}`] });
    const { socket } = await tunnel(`good.example:${port}`);
    const heard: string[] = [];
    socket.on('data', (chunk: Buffer) => heard.push(chunk.toString())).resume();
    socket.write('x');
    await once(socket, 'end');
    expect(heard.join('').replace('begin', '')).toBe('');
  });
});

describe('the gateway', () => {
  it('holds to its limits, and names them', async () => {
    const port = await tcpServer((socket) => void socket.on('end', () => socket.end()).resume());
    await open({ allow: [`good.example:${port}`], limits: { connections: 2 } });
    const first = await tunnel(`good.example:${port}`);
    await tunnel(`good.example:${port}`);
    const third = connect(join(folder, 's')).on('error', () => undefined);
    expect(await text(third)).toMatch(/503[\s\S]*More than 2 connections at once \(limits\.connections\)/);
    first.socket.destroy();
    await once(first.socket, 'close');
    await expect
      .poll(async () => {
        const { code, socket } = await tunnel(`good.example:${port}`);
        socket.destroy();
        return code;
      })
      .toBe(200);
  });

  it('ends everything when it is closed, by whoever', async () => {
    const abort = new AbortController();
    const port = await tcpServer((socket) => void socket.on('error', () => undefined));
    const { close } = await open({ allow: [`good.example:${port}`], signal: abort.signal });
    const { socket } = await tunnel(`good.example:${port}`);
    abort.abort();
    await once(socket.resume(), 'end');
    await close();
    expect(existsSync(join(folder, 's'))).toBe(false);
    await open({ allow: [], signal: abort.signal });
    expect(existsSync(join(folder, 's'))).toBe(false);
  });

  it('says why it can’t be opened', async () => {
    await expect(open({ allow: [], socket: join(folder, 'not/there') })).rejects.toMatchObject({ code: 'GATEWAY_SOCKET' });
    await expect(open({ allow: ['https://good.example/'] })).rejects.toMatchObject({
      code: 'NETWORK_RULE',
      where: 'https://good.example/',
    });
  });

  it('is what programs in a sandbox find', { timeout: 20_000 }, async () => {
    const port = await httpServer((_, response) => response.end('hello'));
    const sandbox = createBubblewrap();
    const place = new SandboxPlace(sandbox);
    try {
      const socket = join(place.folder, 's');
      await open({ allow: [`good.example:${port}`], socket, ...(sandbox.owner ? { owner: sandbox.owner } : {}) });
      const program = `const r = await fetch('http://good.example:${port}/'); console.log(await r.text());
        await fetch('http://bad.example/').catch(({ cause }) => console.log(cause.cause.message));`;
      // Whoever is inside may not be allowed to come by where Baton was installed.
      const node = join(place.folder, 'node');
      copyFileSync(process.execPath, node, constants.COPYFILE_FICLONE);
      const { stdout, stderr } = await place.run(['/n', '--input-type=module', '-e', program], {
        mounts: [{ from: node, to: '/n' }],
        env: proxyEnvironment(3128),
        relays: [{ port: 3128, socket }],
      });
      expect(stdout, stderr).toMatch(/^hello\n.*403/);
    } finally {
      place.dispose();
    }
  });
});

describe('domains', () => {
  it('are matched as a URL writes them', () => {
    const { has } = domainsOf(['Example.com', '*.wild.example', 'bücher.example', 'port.example:8080', '[2606:4700::1]:444', '1.1.1.1']);
    for (const [host, port] of [
      ['example.com', 443],
      ['example.com', 80],
      ['a.b.wild.example', 443],
      ['xn--bcher-kva.example', 443],
      ['port.example', 8080],
      ['[2606:4700::1]', 444],
      ['1.1.1.1', 443],
    ] as const)
      expect(has(host, port), `${host}:${port}`).toBe(true);
    for (const [host, port] of [
      ['example.com', 8080],
      ['sub.example.com', 443],
      ['wild.example', 443],
      ['.wild.example', 443],
      ['evilwild.example', 443],
      ['port.example', 443],
    ] as const)
      expect(has(host, port), `${host}:${port}`).toBe(false);
  });

  it.each([
    '',
    '*',
    '*.',
    'https://a.example',
    'a.example/path',
    'a example',
    'user@a.example',
    'a.example:0',
    'a.example:99999',
    'a.*.example',
    '::1',
    '*.*.example',
  ])('"%s" is none', (rule) => {
    expect(() => domainsOf([rule])).toThrowError(expect.objectContaining({ code: 'NETWORK_RULE' }));
  });
});

describe('an address of the internet', () => {
  it.each([
    ...[
      '0.0.0.0',
      '10.1.2.3',
      '100.100.100.200',
      '127.0.0.1',
      '168.63.129.16',
      '169.254.169.254',
      '172.31.0.1',
      '192.0.0.192',
      '192.168.0.1',
    ],
    ...['198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::7f00:1', '::ffff:0:127.0.0.1'],
    ...[
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      'fe80::1',
      'fe80::1%eth0',
      'fec0::1',
      'fd00:ec2::254',
      'ff02::1',
      '2001::1',
      '2001:db8::1',
      '2002:7f00:1::',
    ],
    ...['3fff::1', '5f00::1', 'nonsense', '', '127.1', '0x7f000001'],
  ])('is not "%s"', (address) => {
    expect(isPublic(address)).toBe(false);
  });

  it.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '2606:4700::1111', '2a00:1450:4001::1'])('is %s', (address) => {
    expect(isPublic(address)).toBe(true);
  });
});
