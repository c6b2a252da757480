import { readJUnit } from './junit.ts';
import type { TestRunner } from './runner.ts';

const MENTIONS: readonly (readonly [name: string, text: string])[] = [
  ['pyproject.toml', '[tool.pytest'],
  ['pyproject.toml', 'pytest'],
  ['setup.cfg', '[tool:pytest]'],
  ['tox.ini', 'pytest'],
];

export const pytest: TestRunner = {
  name: 'pytest',
  only: 'files',
  found: ({ names, text }) =>
    names.has('pytest.ini') ||
    names.has('conftest.py') ||
    MENTIONS.some(([name, mention]) => text(name)?.includes(mention)) ||
    (names.has('tests') && ['pyproject.toml', 'setup.py', 'requirements.txt'].some((name) => names.has(name))) ||
    [...names].some((name) => /^test_.*\.py$/.test(name)),
  command: (_project, { report, only }) => [
    'python3',
    '-m',
    'pytest',
    '-q',
    '--continue-on-collection-errors',
    // The one form of the report that names files and lines.
    '-o',
    'junit_family=xunit1',
    `--junitxml=${report}`,
    ...only,
  ],
  read: ({ report }, project) => (report === undefined ? undefined : readJUnit(report, project)),
};
