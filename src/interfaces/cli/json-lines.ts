import type { Answer } from '../api/call.ts';

/** The values of an answer that is one JSON value a line, as they come. */
export async function* jsonLines<T>(answer: Answer): AsyncGenerator<T> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.stream()) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line) as T;
  }
}
