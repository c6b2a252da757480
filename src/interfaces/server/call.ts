/** The API inside this process: the same routes, without HTTP between. Errors are thrown as they are. */
import { BatonError } from '../../errors.ts';
import type { Answer, Call } from '../api/call.ts';
import type { Asked, Route } from './route.ts';

/** @throws BatonError of the route, or `NOT_FOUND` */
export async function callRoute(routes: readonly Route[], call: Call): Promise<Answer> {
  const at = call.path.indexOf('?');
  const path = at < 0 ? call.path : call.path.slice(0, at);
  for (const route of routes) {
    const params = route.method === call.method ? match(route.path, path) : undefined;
    if (!params) continue;
    const search = new URLSearchParams(at < 0 ? '' : call.path.slice(at + 1));
    const asked: Asked = {
      path,
      param: (name) => params.get(name) ?? '',
      query: (name) => search.get(name) ?? undefined,
      header: (name) => call.headers[name],
      body: async () => call.body ?? '',
    };
    const given = await route.answer(asked);
    if ('stream' in given) return { status: 200, type: given.type, stream: () => given.stream, text: () => whole(given.stream) };
    const text = JSON.stringify(given.json);
    return { status: 200, type: 'application/json', text: async () => text, stream: () => new Blob([text]).stream() };
  }
  throw notFound(call.method, path);
}

export const notFound = (method: string, path: string): BatonError =>
  new BatonError('NOT_FOUND', `There is nothing at ${method} ${path}.`, { where: path });

function match(pattern: string, path: string): ReadonlyMap<string, string> | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const params = new Map<string, string>();
  for (const [i, part] of wanted.entries()) {
    const value = given[i] ?? '';
    if (part.startsWith(':')) params.set(part.slice(1), decodeURIComponent(value));
    else if (part !== value) return undefined;
  }
  return params;
}

async function whole(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  return text;
}
