/** One run of the bench as a page of Markdown. */
import { type Judged, number } from './bars.ts';
import type { Entrant } from './entrant.ts';
import type { Figure, Figures } from './figures.ts';
import type { Limits } from './limits.ts';
import type { Machine } from './machine.ts';
import type { Missing } from './peers/peers.ts';
import { spread } from './stats.ts';

export interface Report {
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  /** Before and after all the rest. */
  readonly limits: readonly Limits[];
  readonly rounds: number;
  readonly noisy: number;
  readonly entrants: readonly Entrant[];
  readonly missing: readonly Missing[];
  readonly postgres: string | undefined;
  readonly figures: Figures;
  readonly bars: readonly Judged[];
}

export function markdown(report: Report): string {
  const { figures, bars, missing } = report;
  const groups = [...new Set(figures.all.map(({ group }) => group))];
  return [
    `# Benchmark of ${report.date}`,
    '',
    `Commit ${report.commit}. What is measured, and how to read it: [docs/benchmarks.md](../../docs/benchmarks.md).`,
    '',
    ...machineLines(report),
    ...(bars.length === 0 ? [] : barLines(bars)),
    '## Who promises what',
    '',
    ...table(
      ['', 'version', 'every step durable before the next?', 'promises'],
      report.entrants.map(({ name, version, durable, promises }) => [name, version, durable === true ? 'yes' : durable, promises]),
    ),
    ...missing.map(({ name, why }) => `Not measured: ${name} could not be made ready here (${why}).\n`),
    ...groups.flatMap((group) => [`## ${group}`, '', ...groupTable(figures, group, report.entrants)]),
    ...(figures.failures.length === 0
      ? []
      : ['## What failed', '', ...figures.failures.map(({ group, who, why }) => `- ${group}, ${who}: ${why}`), '']),
  ].join('\n');
}

const barLines = (bars: readonly Judged[]): string[] => [
  '## The bars',
  '',
  ...table(
    ['what', 'bar', 'measured', ''],
    bars.map(({ what, bar, figure, holds }) => [what, bar, figure, holds ? 'holds' : '**falls short**']),
  ),
];

function machineLines({ machine, limits, rounds, noisy, postgres }: Report): string[] {
  const at = (pick: (limits: Limits) => number) => limits.map((each) => number(pick(each))).join(' and ');
  return [
    '## The machine',
    '',
    ...table(
      ['', ''],
      [
        ['processors', machine.processors],
        ['memory', `${machine.memoryGb} GB`],
        ['system', `${machine.system}, Node ${machine.node}${postgres === undefined ? '' : `, ${postgres}`}`],
        ['file system of the data', machine.fileSystem],
        ['one processor against the machine of the bars', `${machine.cpuFactor.toFixed(2)} × its time`],
        ['4 KiB overwrite + fdatasync, before and after', `${at((each) => each.overwritesPerS)} a second`],
        ['4 KiB append + fdatasync', `${at((each) => each.appendsPerS)} a second`],
        ['node:sqlite, WAL, FULL: 1 row a transaction', `${at((each) => each.rowsPerS[1])} rows a second`],
        ['10 rows', `${at((each) => each.rowsPerS[10])} rows a second`],
        ['100 rows', `${at((each) => each.rowsPerS[100])} rows a second`],
        ['rounds', `${rounds}; medians, and the range in brackets`],
        ['measurements in noise, after three tries', String(noisy)],
      ],
    ),
  ];
}

/** A line per kind of step, a column per entrant. */
function groupTable(figures: Figures, group: string, entrants: readonly Entrant[]): string[] {
  const own = figures.all.filter((each) => each.group === group);
  const names = entrants.map(({ name }) => name).filter((name) => own.some(({ who }) => who === name));
  const lines = [...new Set(own.map(({ line }) => line))];
  return table(
    ['', ...names],
    lines.map((line) => {
      const unit = own.find((each) => each.line === line)?.unit ?? '';
      return [`${line} (${unit})`, ...names.map((name) => cell(figures.find(group, line, name)))];
    }),
  );
}

function cell(figure: Figure | undefined): string {
  if (!figure || figure.values.length === 0) return '–';
  const { median, min, max } = spread(figure.values);
  return figure.values.length === 1 ? number(median) : `${number(median)} (${number(min)}–${number(max)})`;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  row(head),
  row(head.map(() => '---')),
  ...rows.map(row),
  '',
];
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
