import type { Given } from './route.ts';

/** Anything that can be iterated, as JSON lines, no faster than its reader takes them. */
const CHUNK = 64 * 1024;

export function lines<T>(all: Iterable<T> | AsyncIterable<T>, keep: (each: T) => boolean = () => true): Given {
  const source = Symbol.asyncIterator in all ? all[Symbol.asyncIterator]() : all[Symbol.iterator]();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      let text = '';
      try {
        while (text.length < CHUNK) {
          const next = await source.next();
          if (next.done) {
            if (text !== '') controller.enqueue(new TextEncoder().encode(text));
            return controller.close();
          }
          if (keep(next.value)) text += `${JSON.stringify(next.value)}\n`;
        }
        controller.enqueue(new TextEncoder().encode(text));
      } catch (error) {
        controller.error(error);
      }
    },
    async cancel() {
      await source.return?.();
    },
  });
  return { type: 'application/x-ndjson', stream };
}
