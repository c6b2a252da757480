import { AttemptError } from '../processes/failure.ts';

/**
 * `fetch` whose replies end with `PAYLOAD_TOO_LARGE` at `bytesMax` (after decompression): the connection is dropped
 * there, and the rest is never read.
 */
export const cappedFetch =
  (bytesMax: number, inner: typeof fetch = fetch): typeof fetch =>
  async (input, init) => {
    const response = await inner(input, init);
    if (response.body === null) return response;
    if (Number(response.headers.get('content-length') ?? 0) > bytesMax) {
      await response.body.cancel();
      throw tooLarge(bytesMax);
    }
    let size = 0;
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          size += chunk.byteLength;
          if (size > bytesMax) throw tooLarge(bytesMax);
          controller.enqueue(chunk);
        },
      }),
    );
    return new Response(counted, { status: response.status, statusText: response.statusText, headers: response.headers });
  };

const tooLarge = (bytesMax: number): AttemptError =>
  new AttemptError('permanent', 'PAYLOAD_TOO_LARGE', `The reply was cut off at ${bytesMax} bytes, the most that Baton keeps.`, {
    hint: 'Ask for less, or for several smaller results.',
  });
