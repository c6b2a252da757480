/** The API at an address, by `fetch`: in a browser, or of a server elsewhere. */
import { BatonError } from '../../errors.ts';
import type { Transport } from '../api/call.ts';

export type Fetch = (request: Request) => Response | Promise<Response>;

/** @param base such as `http://127.0.0.1:4711` */
export const fetchTransport =
  (base: string, fetch: Fetch = globalThis.fetch): Transport =>
  async ({ path, method, headers, body, signal }) => {
    const init = { method, headers: { ...headers }, ...(body === undefined ? {} : { body }), ...(signal ? { signal } : {}) };
    const response = await reached(fetch(new Request(base + path, init)), base);
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? '',
      text: () => response.text(),
      stream: () => response.body ?? new ReadableStream({ start: (controller) => controller.close() }),
    };
  };

async function reached(response: Response | Promise<Response>, where: string): Promise<Response> {
  try {
    return await response;
  } catch (cause) {
    throw new BatonError('UNREACHABLE', 'Nobody answers there.', { where, cause });
  }
}
