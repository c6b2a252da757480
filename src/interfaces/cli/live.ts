/** The live region of a terminal: redrawn in place, with what is over moving up into the scrollback. No alternate screen. */
import { createLogUpdate } from 'log-update';
import { frame } from './frame.ts';
import { type Line, lineText } from './lines.ts';
import type { Progress } from './progress.ts';
import type { Paint } from './style.ts';

/** Pictures a second at most, and how often clocks tick. */
const FRAME_MS = 100;

export interface View {
  /** What an event was worth. */
  show(lines: readonly Line[]): void;
  /** Gives the terminal back, for a question; `show` goes on collecting. */
  pause(): void;
  resume(): void;
  /** Leaves the last picture out and nothing behind. */
  end(): void;
}

export function liveView(progress: Progress, stream: NodeJS.WriteStream, paint: Paint, now: () => number): View {
  const update = createLogUpdate(stream, { showCursor: true });
  let paused = false;
  let waiting: Line[] = [];
  const draw = () => {
    if (paused) return;
    const over = waiting.filter(({ last, tone }) => last === true || tone === 'bad');
    waiting = [];
    if (over.length > 0) update.persist(over.map((line) => lineText(line, paint)).join('\n'));
    update(frame(progress, now(), { columns: stream.columns, rows: stream.rows }, paint).join('\n'));
  };
  const timer = setInterval(draw, FRAME_MS);
  const onResize = () => draw();
  stream.on('resize', onResize);
  return {
    show: (lines) => {
      waiting.push(...lines.filter(({ output }) => !output));
    },
    pause() {
      draw();
      paused = true;
      update.clear();
    },
    resume() {
      paused = false;
    },
    end() {
      draw();
      clearInterval(timer);
      stream.off('resize', onResize);
      update.clear();
      update.done();
    },
  };
}
