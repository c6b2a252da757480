/** Server-sent events out of a stream of bytes (the WHATWG's HTML standard, section 9.2.6). */
export interface SseFrame {
  readonly event: string;
  readonly data: string;
  readonly id?: string;
}

/** Ends when the stream does, or `signal` aborts. */
export async function* sseFrames(body: ReadableStream<Uint8Array>, signal?: AbortSignal): AsyncGenerator<SseFrame> {
  const decoder = new TextDecoder();
  let rest = '';
  // A reader, not `for await`: leaving early must cancel the request, also in browsers that can't iterate streams.
  const reader = body.getReader();
  // An app in this process answers without a connection that the signal could break.
  const cancel = () => void reader.cancel().catch(() => {});
  signal?.addEventListener('abort', cancel);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      // Over all that is there: the two characters may come in two pieces.
      if (rest.includes('\r')) rest = rest.replaceAll('\r\n', '\n');
      const frames = rest.split('\n\n');
      rest = frames.pop() ?? '';
      for (const text of frames) {
        const frame = frameOf(text);
        if (frame) yield frame;
      }
    }
  } finally {
    signal?.removeEventListener('abort', cancel);
    await reader.cancel().catch(() => {});
  }
}

function frameOf(text: string): SseFrame | undefined {
  let event = 'message';
  let id: string | undefined;
  const data: string[] = [];
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id') id = value;
  }
  if (data.length === 0) return undefined;
  return { event, data: data.join('\n'), ...(id === undefined ? {} : { id }) };
}
