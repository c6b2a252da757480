// req A3, D4: what is fetched, what is refused, and that nothing which a page says changes either.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Web } from '../../src/work/tools/research/request.ts';
import { call, NOW, placeIn } from './support/place.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Every name leads to this machine, which may be reached. */
const HERE = { resolve: async () => ['127.0.0.1'], mayReach: (address: string) => address === '127.0.0.1' };

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
const fetching = (url: string, web: Web) => call(placeIn({ web }), 'research.fetch', { url });

describe('a page', () => {
  it('is given as readable text, with where it is from', async () => {
    const port = await serve((_request, response) =>
      response.setHeader('content-type', 'text/html; charset=utf-8').end('<title>T</title><p>Hello <b>you</b>.</p>'),
    );
    const url = `http://good.example:${port}/page?q=1#part`;
    const { ok, text, data } = await fetching(url, { ...HERE, allow: [`good.example:${port}`] });
    expect([ok, text]).toEqual([true, expect.stringContaining('Hello **you**.')]);
    expect(data).toMatchObject({
      ...{ url, status: 200, title: 'T', text: 'Hello **you**.', contentType: 'text/html', truncated: false, trusted: false },
      ...{ bytes: 40, fetchedAt: new Date(NOW).toISOString(), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });
});
