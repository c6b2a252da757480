/**
 * `npm run acceptance [-- NAME [POINT]] [--json FILE]`: runs every program under tests/acceptance/NAME, each in a process
 * of its own, and prints a line for each with its figure and `holds` or `falls short`.
 */
import { spawn } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Point, Shown } from './point.ts';

const TIMEOUT_MS = 20 * 60_000;
const MARK = '@@shown ';
const here = fileURLToPath(new URL('.', import.meta.url));
const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' }, one: { type: 'string' } } });

if (values.one) {
  const point = ((await import(pathToFileURL(values.one).href)) as { default: Point }).default;
  const began = performance.now();
  const shown = await point.run().catch((error: unknown): Shown => ({ holds: false, figure: 'threw', detail: error instanceof Error ? (error.stack ?? error.message) : String(error) }));
  console.log(`${MARK}${JSON.stringify({ ...shown, id: point.id, title: point.title, bar: point.bar, seconds: (performance.now() - began) / 1000 })}`);
  process.exit(shown.holds ? 0 : 1);
}

const [name = '*', wanted = '*'] = positionals;
const files = globSync(`${name}/${wanted}.ts`, { cwd: here }).filter((file) => !file.includes('support/')).sort();
if (files.length === 0) {
  console.error(`No program matches tests/acceptance/${name}/${wanted}.ts. There are: ${globSync('*/*.ts', { cwd: here }).join(', ')}`);
  process.exit(2);
}
const all: (Shown & { id: string; title: string; seconds: number })[] = [];
for (const file of files) {
  const shown = await one(file);
  all.push(shown);
  console.log(`${shown.holds ? 'holds      ' : 'falls short'}  ${shown.id}  ${shown.figure}  (${shown.seconds.toFixed(0)} s)`);
  if (!shown.holds && shown.detail) console.log(shown.detail.replaceAll(/^/gm, '    '));
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(all, null, 2)}\n`);
const short = all.filter((shown) => !shown.holds).length;
console.log(`${all.length - short} of ${all.length} points hold`);
process.exit(short > 0 ? 1 : 0);

function one(file: string): Promise<Shown & { id: string; title: string; seconds: number }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--one', `${here}${file}`], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    const began = performance.now();
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const limit = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), TIMEOUT_MS);
    child.on('close', () => {
      clearTimeout(limit);
      const line = output.split('\n').findLast((text) => text.startsWith(MARK));
      const id = file.replace(/\.ts$/, '');
      const seconds = (performance.now() - began) / 1000;
      resolve(line ? JSON.parse(line.slice(MARK.length)) : { id, title: id, holds: false, figure: 'ended without a figure', detail: output.slice(-4000), seconds });
    });
  });
}
