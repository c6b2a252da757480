/** Runners of JavaScript: Vitest, Jest, Node's own, and whatever else the `test` script of a package is. */
import { readJestJson } from './jest-json.ts';
import { readJUnit } from './junit.ts';
import type { Project, TestRunner } from './runner.ts';
import { readTap } from './tap.ts';

const uses = ({ npm, names }: Project, name: string): boolean =>
  npm !== undefined &&
  (npm.dependencies.has(name) ||
    new RegExp(`(^|[\\s;&|/])${name}(\\s|$)`).test(npm.scripts['test'] ?? '') ||
    [...names].some((each) => each.startsWith(`${name}.config.`)));

const execOf = ({ npm }: Project): readonly string[] => npm?.exec ?? [];

export const vitest: TestRunner = {
  name: 'vitest',
  only: 'files',
  found: (project) => uses(project, 'vitest'),
  command: (project, { report, only }) => [...execOf(project), 'vitest', 'run', '--reporter=json', `--outputFile=${report}`, ...only],
  read: ({ report }, project) => (report === undefined ? undefined : readJestJson(report, project)),
};

export const jest: TestRunner = {
  name: 'jest',
  only: 'files',
  found: (project) => uses(project, 'jest') || uses(project, 'react-scripts'),
  command: (project, { report, only }) => [
    ...execOf(project),
    'jest',
    '--json',
    `--outputFile=${report}`,
    ...(only.length === 0 ? [] : ['--runTestsByPath', ...only]),
  ],
  read: ({ report }, project) => (report === undefined ? undefined : readJestJson(report, project)),
};

const NODE_TEST = /(^|[\s;&|])node\s[^;&|]*--test(?=\s|$)/;

export const nodeTest: TestRunner = {
  name: 'node',
  only: 'files',
  found: ({ npm }) => NODE_TEST.test(npm?.scripts['test'] ?? ''),
  command({ npm }, { report, only }) {
    const reporter = ['--test-reporter=junit', `--test-reporter-destination=${report}`];
    if (only.length > 0) return ['node', '--test', ...reporter, ...only];
    // The script as it stands, since it knows its files and loaders, with a report besides.
    return (npm?.scripts['test'] ?? '').replace(/--test(?=\s|$)/, (option) => [option, ...reporter].join(' '));
  },
  read: ({ report }, project) => (report === undefined ? undefined : readJUnit(report, project)),
};

/** Only how it ended is sure, unless it prints TAP. */
const script = (manager: 'npm' | 'pnpm'): TestRunner => ({
  name: manager,
  found: ({ npm }) => npm?.manager === manager && npm.scripts['test'] !== undefined && !/no test specified/.test(npm.scripts['test']),
  command: () => [manager, 'run', '--silent', 'test'],
  read: ({ stdout }, project) => readTap(stdout, project),
});
export const npm = script('npm');
export const pnpm = script('pnpm');
