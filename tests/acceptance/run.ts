/**
 * `npm run acceptance [-- NAME [POINT]] [--json FILE]`: runs every program under tests/acceptance/NAME, each in a process
 * of its own, and prints a line for each with its figure and `holds` or `falls short`.
 */
import { spawn } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type Line, measure, type Point, report, thrown } from './point.ts';

const TIMEOUT_MS = 20 * 60_000;
/** How much of what a program printed is shown when it ends without a figure. */
const OUTPUT_MAX = 4000;
const here = fileURLToPath(new URL('.', import.meta.url));
const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' }, one: { type: 'string' } } });

if (values.one) await child(values.one);
else process.exitCode = await parent(positionals[0], positionals[1]);

/** What a child tells its parent: first who it is, then its line. */
type Message = { readonly head: Pick<Point, 'id' | 'title' | 'bar' | 'timeoutMs'> } | { readonly line: Line };

async function child(file: string): Promise<void> {
  const { default: point } = (await import(pathToFileURL(file).href)) as { default: Point };
  const { id, title, bar, timeoutMs } = point;
  await tell({ head: { id, title, bar, ...(timeoutMs === undefined ? {} : { timeoutMs }) } });
  await tell({ line: { id, title, bar, ...(await measure(point)) } });
  process.exit(0);
}

function tell(message: Message): Promise<void> {
  return new Promise((resolve, reject) => process.send?.(message, (error: Error | null) => (error ? reject(error) : resolve())));
}

async function parent(name = '*', wanted = '*'): Promise<number> {
  const files = globSync(`${name}/${wanted}.ts`, { cwd: here, exclude: ['**/support/**'] }).sort();
  if (files.length === 0) {
    const known = globSync('*/*.ts', { cwd: here, exclude: ['**/support/**'] }).sort();
    console.error(`No program matches tests/acceptance/${name}/${wanted}.ts. There are: ${known.join(', ') || 'none yet'}`);
    return 2;
  }
  const lines: Line[] = [];
  let code = 0;
  for (const file of files) {
    const line = await one(file);
    lines.push(line);
    code = Math.max(code, report([line]));
    if (values.json) writeFileSync(values.json, `${JSON.stringify(lines, null, 2)}\n`);
  }
  console.log(`${lines.filter(({ holds }) => holds).length} of ${lines.length} points hold`);
  return code;
}

function one(file: string): Promise<Line> {
  const began = performance.now();
  const id = file.replace(/\.ts$/, '');
  return new Promise((resolve) => {
    const program = spawn(process.execPath, [fileURLToPath(import.meta.url), '--one', `${here}${file}`], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    let output = '';
    let line: Line | undefined;
    let head: Pick<Point, 'id' | 'title' | 'bar'> = { id, title: id, bar: '' };
    let figure = 'ended without a figure';
    const stop = (why: string) => {
      figure = why;
      killGroup(program.pid);
    };
    const within = (ms: number) => setTimeout(() => stop(`not done after ${Math.round(ms / 1000)} s`), ms);
    let limit = within(TIMEOUT_MS);
    const interrupted = () => {
      killGroup(program.pid);
      process.exit(130);
    };
    process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
    for (const stream of [program.stdout, program.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-OUTPUT_MAX)));
    program.on('message', (message: Message) => {
      if ('line' in message) line = message.line;
      else {
        head = message.head;
        clearTimeout(limit);
        limit = within(message.head.timeoutMs ?? TIMEOUT_MS);
      }
    });
    const end = (detail: string) => {
      clearTimeout(limit);
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
      // What the program left running would disturb the next one, and may hold its output open.
      killGroup(program.pid);
      for (const stream of [program.stdout, program.stderr]) stream?.destroy();
      resolve(line ?? { ...head, holds: false, figure, detail, seconds: (performance.now() - began) / 1000 });
    };
    program.on('error', (error) => end(thrown(error).detail ?? ''));
    // Its last words are read in the same turn or the next.
    program.on('exit', () => setTimeout(() => end(output), 50));
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended already.
  }
}
