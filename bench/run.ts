/**
 * `npm run bench [-- --peers] [--bars] [--rounds N] [--folder FOLDER] [--json FILE]`: measures, prints the page and writes
 * it to bench/results/.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bench } from './bench.ts';
import { markdown } from './table.ts';

const { values } = parseArgs({
  options: {
    peers: { type: 'boolean', default: false },
    bars: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string' },
    json: { type: 'string' },
  },
});
const report = await bench({
  peers: values.peers,
  bars: values.bars,
  rounds: Math.max(1, Number(values.rounds) || 1),
  folder: values.folder,
  progress: (text) => console.error(text),
});
const page = markdown(report);
const results = join(import.meta.dirname, 'results');
mkdirSync(results, { recursive: true });
writeFileSync(join(results, `${report.date}${values.peers ? '-peers' : ''}.md`), page);
if (values.json)
  writeFileSync(values.json, `${JSON.stringify({ ...report, figures: report.figures.all, failures: report.figures.failures }, null, 2)}\n`);
console.log(page);
