/**
 * The way out of a sandbox: an HTTP proxy on a unix socket that knows a few domains by name. It looks names up itself,
 * refuses a name that leads to an address which is nobody's on the internet, and connects to the very addresses it has
 * judged, so that a second answer of the name server changes nothing.
 *
 * What goes through it is not looked at: it holds to where, not to what.
 */
import { chmodSync, chownSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { BatonError } from '../../errors.ts';
import { bare, type Judged, judge, only, type Reach } from './destination.ts';
import { domainsOf, hostOf } from './domains.ts';

export interface GatewayLimits {
  /** From inside, at once. */
  readonly connections: number;
  /** Until the other side takes the connection, in milliseconds. */
  readonly connectMs: number;
}
export const GATEWAY_LIMITS: GatewayLimits = { connections: 256, connectMs: 15_000 };

export interface GatewayOptions extends Reach {
  /** Absolute path of the socket to listen on. */
  readonly socket: string;
  /** Who connects, when Baton is root. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** `example.com`, `*.example.com`, and with another port than 80 and 443 `example.com:8080`. */
  readonly allow: readonly string[];
  /** Closes it. */
  readonly signal: AbortSignal;
  readonly limits?: Partial<GatewayLimits>;
  /** One line about each request; must not throw. */
  readonly log?: (text: string) => void;
}
export interface Gateway {
  readonly counts: () => { readonly allowed: number; readonly refused: number };
  /** Ends every connection, and removes the socket. May be called twice. */
  close(): Promise<void>;
}

/**
 * @throws BatonError `NETWORK_RULE` for a domain that can't be one
 * @throws Error of the system when the socket can't be made
 */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { socket, owner, signal, log } = options;
  const limits = { ...GATEWAY_LIMITS, ...options.limits };
  const domains = domainsOf(options.allow);
  const counts = { allowed: 0, refused: 0 };
  const open = new Set<Duplex>();

  async function look(host: string, port: number): Promise<Judged> {
    const judged = await judge(host, port, domains, options);
    const refused = 'refused' in judged;
    counts[refused ? 'refused' : 'allowed']++;
    log?.(refused ? `refused: ${judged.refused}` : `allowed: ${host}:${port}`);
    return judged;
  }

  async function tunnel({ url = '' }: IncomingMessage, near: Duplex, head: Buffer): Promise<void> {
    near.on('error', () => near.destroy());
    if (!near.writable) return;
    const [, written = '', digits = ''] = /^(.+):(\d{1,5})$/.exec(url) ?? [];
    const [host, port] = [hostOf(written), Number(digits)];
    if (host === undefined) return answer(near, 400, `CONNECT takes a host and a port, not "${url}".`);
    const judged = await look(host, port);
    if ('refused' in judged) return answer(near, 403, judged.refused);
    if (!near.writable) return;
    const far = connect({ host: bare(host), port, lookup: only(judged.addresses), allowHalfOpen: true });
    open.add(far.on('close', () => open.delete(far)));
    const late = setTimeout(() => far.destroy(new Error(`no answer within connectMs of ${limits.connectMs} ms`)), limits.connectMs);
    let through = false;
    far.on('error', (error) => (through ? near.destroy() : answer(near, 502, `${host}:${port} can't be reached: ${error.message}.`)));
    far.on('close', () => clearTimeout(late));
    near.on('close', () => through || far.destroy());
    far.on('connect', () => {
      clearTimeout(late);
      through = true;
      if (!near.writable) return void far.destroy();
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) far.write(head);
      pipeline(near, far, (error) => error && near.destroy());
      pipeline(far, near, (error) => error && near.destroy());
    });
  }

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const say = (code: number, text: string) => void response.writeHead(code, { 'content-type': 'text/plain' }).end(`${text}\n`);
    const target = URL.parse(request.url ?? '');
    const host = target?.protocol === 'http:' ? hostOf(target.hostname) : undefined;
    if (!target || host === undefined) return say(400, 'This proxy takes whole http addresses, and CONNECT for everything else.');
    const port = Number(target.port || 80);
    const judged = await look(host, port);
    if ('refused' in judged) return say(403, judged.refused);
    const onward = httpRequest(
      {
        ...{ host: bare(host), port, lookup: only(judged.addresses), agent: false, timeout: limits.connectMs },
        ...{ method: request.method, path: target.pathname + target.search, headers: { ...endToEnd(request.headers), host: target.host } },
      },
      (given) => {
        response.writeHead(given.statusCode ?? 502, given.statusMessage, endToEnd(given.headers));
        pipeline(given, response, (error) => error && response.destroy());
      },
    );
    onward.on(
      'timeout',
      () => onward.socket?.connecting && onward.destroy(new Error(`no answer within connectMs of ${limits.connectMs} ms`)),
    );
    onward.on('error', (error) =>
      response.headersSent ? response.destroy() : say(502, `${host}:${port} can't be reached: ${error.message}.`),
    );
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  const server = createServer({ requestTimeout: 0 }, (request, response) => void forward(request, response));
  server.on('connect', (request, near: Duplex, head: Buffer) => void tunnel(request, near, head));
  server.on('clientError', (error, near) => (near.writable ? answer(near, 400, `This is no request: ${error.message}.`) : near.destroy()));
  let inside = 0;
  server.on('connection', (near: Duplex) => {
    open.add(near);
    near.on('close', () => open.delete(near) && inside--);
    if (++inside > limits.connections) answer(near, 503, `More than ${limits.connections} connections at once (limits.connections).`);
  });

  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= new Promise<void>((resolve) => {
      for (const each of open) each.destroy();
      server.close(() => resolve());
    });
    return closed;
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(notOpened(socket, error)));
    server.listen(socket, resolve);
  });
  chmodSync(socket, 0o600);
  if (owner) chownSync(socket, owner.uid, owner.gid);
  if (signal.aborted) await close();
  else signal.addEventListener('abort', close, { once: true });
  return { counts: () => ({ ...counts }), close };
}

/** What programs inside look at. */
export function proxyEnvironment(port: number): Readonly<Record<string, string>> {
  const proxy = `http://127.0.0.1:${port}`;
  const names = [
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'http_proxy',
    'https_proxy',
    'ALL_PROXY',
    'all_proxy',
    'npm_config_proxy',
    'npm_config_https_proxy',
  ];
  const direct = '127.0.0.1,localhost';
  return { ...Object.fromEntries(names.map((name) => [name, proxy])), NO_PROXY: direct, no_proxy: direct, NODE_USE_ENV_PROXY: '1' };
}

/** A text of ours, on a connection where nothing else was said. */
function answer(near: Duplex, code: 400 | 403 | 502 | 503, text: string): void {
  const reason = { 400: 'Bad Request', 403: 'Forbidden by Baton', 502: 'Bad Gateway', 503: 'Service Unavailable' }[code];
  const head = [
    `HTTP/1.1 ${code} ${reason}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text) + 1}`,
    'Connection: close',
  ];
  near.end(`${head.join('\r\n')}\r\n\r\n${text}\n`);
}

/** Between two neighbours only (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
]);
const endToEnd = (headers: IncomingMessage['headers']): IncomingMessage['headers'] =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));

const notOpened = (socket: string, cause: Error): BatonError =>
  new BatonError('GATEWAY_SOCKET', `The way out of a sandbox can't be opened at ${socket}: ${cause.message}.`, {
    where: socket,
    hint: 'Its folder has to be there, be writable, and have a short path: a socket has room for about 100 characters.',
    cause,
  });
