/** The one place that prints. Results go to stdout; notes and errors to stderr, so that a pipe carries only results. */
import { BatonError } from '../../errors.ts';
import { problemOf } from '../api/problem.ts';
import { coloured, type Paint, plain, type Tone, wantsColour } from './style.ts';
import { pad, widthOf } from './width.ts';

export interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

export interface OutputOptions {
  readonly streams: Streams;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
  /** `--color`, `--no-color`. */
  readonly colour?: boolean;
}

export class Output {
  readonly json: boolean;
  readonly paint: Paint;
  readonly streams: Streams;
  private readonly paintNote: Paint;

  constructor({ streams, env, json, colour }: OutputOptions) {
    this.json = json;
    this.streams = streams;
    const flag = colour === undefined ? {} : { flag: colour };
    const paintFor = (terminal: boolean) => (wantsColour(env, { ...flag, terminal }) ? coloured : plain);
    this.paint = json ? plain : paintFor(streams.stdout.isTTY);
    this.paintNote = paintFor(streams.stderr.isTTY);
  }

  /** A live display and questions make sense. */
  get interactive(): boolean {
    return !this.json && this.streams.stdout.isTTY && this.streams.stdin.isTTY;
  }

  /** Lines for people; silent with `--json`. */
  say(...lines: readonly string[]): void {
    if (!this.json) for (const line of lines) this.streams.stdout.write(`${line}\n`);
  }
  /** One JSON value on a line, with `--json` only. */
  data(value: unknown): void {
    if (this.json) this.streams.stdout.write(`${JSON.stringify(value)}\n`);
  }
  /** Either. */
  result(value: unknown, lines: () => readonly string[]): void {
    if (this.json) this.data(value);
    else this.say(...lines());
  }
  note(tone: Tone, text: string): void {
    this.streams.stderr.write(`${this.paintNote(tone, text)}\n`);
  }

  error(error: unknown): void {
    if (!(error instanceof BatonError)) {
      this.note('bad', error instanceof Error ? (error.stack ?? error.message) : String(error));
      this.note('dim', 'This is a mistake of Baton itself; please report it.');
      return;
    }
    if (this.json) this.streams.stderr.write(`${JSON.stringify(problemOf(error, 0))}\n`);
    else for (const line of errorLines(error, this.paintNote)) this.streams.stderr.write(`${line}\n`);
  }
}

/** What is wrong, with its code; what to try. Problems of a file are listed one a line, as `file:line:column`. */
function errorLines(error: BatonError, paint: Paint): string[] {
  const problems = error.details?.['problems'];
  const listed = Array.isArray(problems) && problems.every(isProblem) ? problems : undefined;
  const head = listed ? (error.message.split('\n', 1)[0] ?? '') : error.message;
  const lines = [`${paint('bad', error.code)}  ${head}`];
  for (const { file, line, column, code, message, hint } of listed ?? [])
    lines.push(
      `${file}:${line}:${column}  ${paint('bad', code)}  ${message}${hint === undefined || message.includes(hint) ? '' : ` ${hint}`}`,
    );
  if (error.hint !== undefined) lines.push(`  ${paint('dim', error.hint)}`);
  return lines;
}

interface Listed {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}
const isProblem = (each: unknown): each is Listed => typeof each === 'object' && each !== null && 'file' in each && 'line' in each;

/** Columns as wide as their widest cell, two spaces apart; the last one as it is. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string[] {
  const widths = head.map((title, i) => Math.max(widthOf(title), ...rows.map((row) => widthOf(bare(row[i] ?? '')))));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === cells.length - 1 ? cell : cell + pad('', (widths[i] ?? 0) - widthOf(bare(cell)))))
      .join('  ')
      .trimEnd();
  return [paint('dim', line(head)), ...rows.map(line)];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are no columns
const bare = (cell: string): string => cell.replaceAll(/\x1b\[\d+m/g, '');
