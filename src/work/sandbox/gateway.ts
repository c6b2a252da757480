/**
 * The way out of a sandbox: an HTTP proxy on a unix socket that knows a few domains by name. It looks names up itself,
 * refuses addresses that are nobody's on the internet (this machine, its network, the metadata of a cloud), and connects
 * to the very address it has judged, so that a second answer of the name server changes nothing.
 */

import { lookup } from 'node:dns/promises';
import { chmodSync, chownSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { BlockList, connect, isIP } from 'node:net';
import type { Duplex } from 'node:stream';

export interface GatewayOptions {
  /** Absolute path of the socket to listen on. */
  readonly socket: string;
  /** Who connects, when Baton is root. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** `example.com`, `*.example.com`, and with another port than 80 and 443 `example.com:8080`. */
  readonly allow: readonly string[];
  readonly signal: AbortSignal;
  /** One line about each request; must not throw. */
  readonly log?: (text: string) => void;
  /** Addresses of a name. Default: the system's. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  /** May this address be reached? Default: what is public. */
  readonly mayReach?: (address: string) => boolean;
}
export interface Gateway {
  readonly counts: () => { readonly allowed: number; readonly refused: number };
  close(): Promise<void>;
}

/** Requests and tunnels at once. */
const CONNECTIONS_MAX = 256;
const CONNECT_MS = 15_000;
const PORTS: ReadonlySet<number> = new Set([80, 443]);

/** @throws Error of the system when the socket can't be made */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const counts = { allowed: 0, refused: 0 };
  const open = new Set<Duplex>();
  const server = createServer((request, response) => void forward(request, response));
  server.maxConnections = CONNECTIONS_MAX;
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('connect', (request, near: Duplex, head: Buffer) => void tunnel(request, near, head));

  const decide = async (host: string, port: number) => {
    const judged = await judge(options, host, port);
    const refused = 'refused' in judged;
    counts[refused ? 'refused' : 'allowed']++;
    options.log?.(`${refused ? 'refused' : 'allowed'} ${host}:${port}${refused ? ` (${judged.refused})` : ''}`);
    return judged;
  };

  async function tunnel(request: IncomingMessage, near: Duplex, head: Buffer): Promise<void> {
    near.on('error', () => near.destroy());
    const target = URL.parse(`tcp://${request.url ?? ''}`);
    if (!target?.hostname || !target.port) return void near.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    const judged = await decide(bare(target.hostname), Number(target.port));
    if ('refused' in judged)
      return void near.end(
        `HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(judged.refused)}\r\n\r\n${judged.refused}`,
      );
    const far = connect({ host: judged.address, port: Number(target.port), timeout: CONNECT_MS });
    open.add(far);
    far.on('close', () => {
      open.delete(far);
      near.destroy();
    });
    near.on('close', () => far.destroy());
    far.on('error', () => near.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'));
    far.on('timeout', () => far.connecting && far.destroy());
    far.on('connect', () => {
      far.setTimeout(0);
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) far.write(head);
      near.pipe(far).pipe(near);
    });
  }

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = URL.parse(request.url ?? '');
    const say = (code: number, text: string) => response.writeHead(code, { 'content-type': 'text/plain' }).end(text);
    if (target?.protocol !== 'http:') return void say(400, 'This proxy takes whole http addresses, and CONNECT for https.\n');
    const port = Number(target.port || 80);
    const judged = await decide(bare(target.hostname), port);
    if ('refused' in judged) return void say(403, judged.refused);
    const { 'proxy-authorization': _, 'proxy-connection': __, connection: ___, ...headers } = request.headers;
    const onward = httpRequest(
      {
        host: judged.address,
        port,
        method: request.method,
        path: target.pathname + target.search,
        headers: { ...headers, host: target.host },
        timeout: CONNECT_MS,
      },
      (answer) => {
        const { connection: _connection, 'keep-alive': _keepAlive, ...said } = answer.headers;
        response.writeHead(answer.statusCode ?? 502, said);
        answer.pipe(response);
      },
    );
    onward.on('error', () => (response.headersSent ? response.destroy() : say(502, 'The other side did not answer.\n')));
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  const close = async () => {
    for (const each of open) each.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    rmSync(options.socket, { force: true });
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.socket, resolve);
  });
  chmodSync(options.socket, 0o600);
  if (options.owner) chownSync(options.socket, options.owner.uid, options.owner.gid);
  options.signal.addEventListener('abort', () => void close(), { once: true });
  return { counts: () => ({ ...counts }), close };
}

const bare = (host: string): string =>
  host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();

async function judge(
  options: GatewayOptions,
  host: string,
  port: number,
): Promise<{ readonly address: string } | { readonly refused: string }> {
  const { allow, resolve = addressesOf, mayReach = isPublic } = options;
  if (!allow.some((rule) => allows(rule, host, port)))
    return {
      refused: `${host}:${port} is not among the domains this task may reach (${allow.join(', ') || 'none'}). Name it in the task's \`network\`.\n`,
    };
  const addresses = isIP(host) ? [host] : await resolve(host).catch(() => []);
  if (addresses.length === 0) return { refused: `${host} has no address.\n` };
  const hidden = addresses.find((address) => !mayReach(address));
  if (hidden !== undefined) return { refused: `${host} leads to ${hidden}, which is no public address.\n` };
  return { address: addresses[0] ?? '' };
}

const addressesOf = async (name: string): Promise<string[]> =>
  (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address);

function allows(rule: string, host: string, port: number): boolean {
  const [, name = '', own] = /^(.*?)(?::(\d+))?$/.exec(rule.toLowerCase()) ?? [];
  if (own === undefined ? !PORTS.has(port) : Number(own) !== port) return false;
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) && host.length > name.length - 1 : host === name;
}

const NOT_PUBLIC = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  NOT_PUBLIC.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [
  ['::', 128],
  ['::1', 128],
  ['64:ff9b::', 96],
  ['100::', 64],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  NOT_PUBLIC.addSubnet(network, bits, 'ipv6');

/** Not this machine, not a network of its own, not reserved. An IPv4 address in the clothes of IPv6 is judged as what it is. */
export function isPublic(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const plain = mapped ?? address;
  const family = isIP(plain);
  return family !== 0 && !NOT_PUBLIC.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** What programs inside look at. */
export function proxyEnvironment(port: number): Readonly<Record<string, string>> {
  const proxy = `http://127.0.0.1:${port}`;
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'ALL_PROXY', 'npm_config_proxy', 'npm_config_https_proxy'];
  return {
    ...Object.fromEntries(names.map((name) => [name, proxy])),
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
    NODE_USE_ENV_PROXY: '1',
  };
}
