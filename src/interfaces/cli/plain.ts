/** Where nobody watches a terminal: a line for each thing that happened, or the events themselves with `--json`. */
import type { StreamEvent } from '../api/events.ts';
import { lineText } from './lines.ts';
import type { View } from './live.ts';
import type { Output } from './output.ts';

export const plainView = (out: Output, { output }: { readonly output: boolean }): View => ({
  show: (lines) => {
    out.say(...lines.filter((line) => output || !line.output).map((line) => lineText(line, out.paint)));
  },
  pause() {},
  resume() {},
  end() {},
});

/** Facts as they are stored, output as it comes: one JSON object a line. */
export function eventLines(event: StreamEvent, out: Output): void {
  if (event.type === 'output') out.data({ type: 'output', ...event.output });
  else for (const stored of event.facts) out.data({ type: 'fact', ...stored });
}
