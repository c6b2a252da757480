/**
 * `npm run bench [-- --only WORKLOAD] [--peers] [--bars] [--rounds N] [--folder FOLDER] [--json FILE]`: measures, prints the page and writes
 * it to bench/results/.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bench, WORKLOADS } from './bench.ts';
import { markdown } from './table.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    peers: { type: 'boolean', default: false },
    bars: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string' },
    json: { type: 'string' },
  },
});
const only = WORKLOADS.find((each) => each === values.only);
if (values.only !== undefined && only === undefined) {
  console.error(`There is no workload "${values.only}". There are: ${WORKLOADS.join(', ')}`);
  process.exit(2);
}
const report = await bench({
  ...(only === undefined ? {} : { only }),
  peers: values.peers,
  bars: values.bars,
  rounds: Math.max(1, Number(values.rounds) || 1),
  folder: values.folder,
  progress: (text) => console.error(text),
});
const page = markdown(report);
const results = join(import.meta.dirname, 'results');
mkdirSync(results, { recursive: true });
writeFileSync(join(results, `${report.date}${values.peers ? '-peers' : ''}${only === undefined ? '' : `-${only}`}.md`), page);
if (values.json)
  writeFileSync(values.json, `${JSON.stringify({ ...report, figures: report.figures.all, failures: report.figures.failures }, null, 2)}\n`);
console.log(page);
