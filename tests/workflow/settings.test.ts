// req F1
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { formatProblem } from '../../src/work/workflow/problem.ts';
import { findSettings, projectFile, projectOf } from '../../src/work/workflow/settings.ts';

const world = (files: Readonly<Record<string, string>>) => {
  const root = mkdtempSync(join(tmpdir(), 'baton-settings-'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  const env = { XDG_CONFIG_HOME: join(root, 'config') };
  const find = (folder: string, more: Record<string, string> = {}) => {
    const found = findSettings(join(root, folder), { ...env, ...more });
    return found.ok ? found.settings : found.problems.map(formatProblem).map((line) => line.replaceAll(`${root}/`, ''));
  };
  const sourceOf = (folder: string, name: string, more: Record<string, string> = {}) => {
    const settings = find(folder, more);
    if (Array.isArray(settings)) throw new Error(settings.join('\n'));
    const found = 'sources' in settings ? settings.sources.find((each) => each.name === name) : undefined;
    return found && `${found.value} from ${found.from.replace(`${root}/`, '')}`;
  };
  return { root, find, sourceOf };
};

test('without any file there are defaults, and they say so', () => {
  const { find, sourceOf } = world({ 'p/x': '' });
  expect(find('p')).toMatchObject({ agents: [], limits: { tasks: 100_000, depth: 8 }, slots: 64 });
  expect(sourceOf('p', 'slots')).toBe('64 from default');
  expect(sourceOf('p', 'limits.tasks')).toBe('100000 from default');
});

test('environment before project before user, and each value names its source', () => {
  const { sourceOf, find } = world({
    'config/baton/baton.yaml':
      'slots: 2\nrunsMax: 5\nagents: { a: { scripted: {} }, b: { scripted: {} } }\nsecrets: { S: { env: USER_S }, T: { env: T } }\n',
    'p/baton.yaml': 'slots: 3\nagents: { a: { human: true } }\nsecrets: { S: { env: PROJECT_S } }\nretention: { runs: 2d }\n',
    'p/deep/er/x': '',
  });
  expect(sourceOf('p/deep/er', 'slots', { BATON_SLOTS: '4' })).toBe('4 from BATON_SLOTS');
  expect(sourceOf('p/deep/er', 'slots')).toBe('3 from p/baton.yaml');
  expect(sourceOf('p/deep/er', 'runsMax')).toBe('5 from config/baton/baton.yaml');
  expect(sourceOf('p', 'agents.a')).toBe('human from p/baton.yaml');
  expect(sourceOf('p', 'agents.b')).toBe('scripted from config/baton/baton.yaml');
  expect(sourceOf('p', 'retention.runs')).toBe('2d from p/baton.yaml');
  expect(find('p')).toMatchObject({ secrets: { S: { env: 'PROJECT_S' }, T: { env: 'T' } }, keepRunsMs: 172_800_000 });
});

test('limits only narrow: whoever allows less has the last word, and a default forbids nothing', () => {
  const { find, sourceOf } = world({
    'config/baton/baton.yaml': 'limits: { tasks: 500000, costUsd: 5, wallTime: 1h }\n',
    'p/baton.yaml': 'limits: { tasks: 400000, costUsd: 9, wallTime: 30m, tokens: 7 }\n',
    'q/baton.yaml': 'limits: { tasks: 600000 }\n',
  });
  expect(find('p')).toMatchObject({ limits: { tasks: 400_000, costUsd: 5, wallTimeMs: 1_800_000, tokens: 7, depth: 8 } });
  expect(sourceOf('p', 'limits.costUsd')).toBe('5 from config/baton/baton.yaml');
  expect(sourceOf('p', 'limits.tokens')).toBe('7 from p/baton.yaml');
  expect(find('q')).toMatchObject({ limits: { tasks: 500_000 } });
});

test('mistakes of all files and variables are told at once, with their places', () => {
  const { find } = world({
    'config/baton/baton.yaml': 'limts: {}\nlimits: { tasks: 2000000, depth: 99 }\n',
    'p/baton.yaml':
      'agents:\n  w: { modle: a/b }\n  v: { a2a: here }\n  u: { model: a/b, human: true }\nsecrets: { S: { cmd: x }, T: {} }\n',
  });
  expect(find('p', { BATON_SLOTS: 'many', BATON_RUNS_MAX: '0' })).toEqual([
    expect.stringContaining(
      'p/baton.yaml:2:3  MISSING_KEY  agent "w" needs one of model, acp, command, a2a, human, scripted. Did you mean "model"?',
    ),
    expect.stringContaining('p/baton.yaml:3:8  NOT_YET'),
    expect.stringContaining('p/baton.yaml:4:3  SEVERAL_KINDS'),
    'p/baton.yaml:5:17  UNKNOWN_KEY  `secrets.S` has no key "cmd". It may have env, file, command.',
    expect.stringContaining('p/baton.yaml:5:27  MISSING_KEY  `secrets.T` needs one of env, file, command'),
    expect.stringContaining('config/baton/baton.yaml:1:1  UNKNOWN_KEY'),
    expect.stringContaining('config/baton/baton.yaml:2:18  LIMIT_TOO_LARGE'),
    expect.stringContaining('config/baton/baton.yaml:2:34  LIMIT_TOO_LARGE'),
    '$BATON_SLOTS:1:1  WRONG_TYPE  must be a whole number above 0, not "many"',
    '$BATON_RUNS_MAX:1:1  WRONG_TYPE  must be a whole number above 0, not "0"',
  ]);
});

// req A3
test('the nearest file names the search server, and its mistakes are told', () => {
  const { find, sourceOf } = world({
    'config/baton/baton.yaml': 'research: { search: { url: "https://search.example/mcp", tool: find, bearer: KEY } }\n',
    'p/baton.yaml': 'research: { search: { command: [search-mcp], tool: find, secrets: [KEY], network: [a.example], timeout: 5s } }\n',
    'q/x': '',
    'both/baton.yaml': 'research: { search: { command: x, url: "https://a.example", tool: find } }\n',
    'neither/baton.yaml': 'research: { search: { tool: find } }\n',
    'wrong/baton.yaml': 'research: { search: { url: "file:///etc/passwd", tool: find } }\n',
  });
  expect(find('p')).toMatchObject({
    search: {
      at: { run: ['search-mcp'], secrets: ['KEY'], network: ['a.example'], sandbox: true },
      ...{ tool: 'find', query: 'query', with: {}, timeoutMs: 5000 },
    },
  });
  expect(sourceOf('p', 'research.search')).toBe('["search-mcp"] from p/baton.yaml');
  expect(find('q')).toMatchObject({ search: { at: { url: 'https://search.example/mcp', bearer: 'KEY' }, timeoutMs: 30_000 } });
  expect(find('both')).toEqual([expect.stringMatching(/^both\/baton\.yaml:1:\d+ {2}UNKNOWN_KEY .*"(url|command)"/)]);
  expect(find('neither')).toEqual([expect.stringContaining('`research.search` needs one of command')]);
  expect(find('wrong')).toEqual([expect.stringMatching(/WRONG_TYPE {2}`research\.search\.url`/)]);
});

// req P4
test('rules of routing are checked with all agents there are, each problem at its place', () => {
  const user = 'agents: { writer: { scripted: {} } }\n';
  const { find } = world({
    'config/baton/baton.yaml': user,
    'good/baton.yaml': 'routing:\n  weights: { cost: 2 }\n  learn: false\n  rules:\n    - { when: "task.size > 3", prefer: writer }\n',
    'bad/baton.yaml':
      'routing:\n  rules:\n    - { when: task.size > 3 && task.sise > 3, prefer: writer }\n    - when: "true"\n      avoid: [writer, wroter]\n    - { when: "true" }\n',
  });
  expect(find('good')).toMatchObject({
    routing: { rules: [{ when: 'task.size > 3', prefer: 'writer' }], weights: { quality: 1, cost: 2, latency: 0.2 }, learn: false },
  });
  expect(find('nothing')).toMatchObject({ routing: { rules: [], learn: true } });
  expect(find('bad')).toEqual([
    expect.stringContaining('bad/baton.yaml:3:37  EXPRESSION_TYPE  routing rule 1: No such key: sise'),
    'bad/baton.yaml:5:23  UNKNOWN_AGENT  routing rule 2: the rule names the agent "wroter", which nobody defines. Did you mean "writer"?',
    expect.stringContaining('bad/baton.yaml:6:7  MISSING_KEY  routing rule 3: a rule needs one of prefer, require, avoid'),
  ]);
});

// req P5
test('an agent declares figures, labels and its context window; they are nothing for its adapter', () => {
  const { find } = world({
    'p/baton.yaml':
      'agents:\n  w: { model: openai/x, quality: 0.8, costUsd: 0.1, latency: [10s, 1m, 2m, 5m, 1h], contextWindow: 128000, labels: [eu] }\n',
  });
  expect(find('p')).toMatchObject({
    agents: [
      {
        name: 'w',
        config: { model: 'openai/x' },
        labels: ['eu'],
        contextWindow: 128_000,
        figures: { quality: 0.8, costUsd: 0.1, latencyMs: [10_000, 60_000, 120_000, 300_000, 3_600_000] },
      },
    ],
  });
});

test('a folder of that name, or no right to read, is told and not thrown', () => {
  const { find, root } = world({ 'p/x': '' });
  mkdirSync(join(root, 'p', 'baton.yaml'));
  expect(find('p')).toEqual([expect.stringContaining("p/baton.yaml:1:1  YAML_SYNTAX  can't be read (EISDIR)")]);
});

test('the project is where baton.yaml is, else the repository, else the folder', () => {
  const { root } = world({ 'p/baton.yaml': '', 'p/a/b/x': '', 'r/.git/x': '', 'r/a/x': '', 'n/x': '' });
  expect(projectOf(join(root, 'p/a/b'))).toBe(join(root, 'p'));
  expect(projectOf(join(root, 'r/a'))).toBe(join(root, 'r'));
  expect(projectOf(join(root, 'n'))).toBe(join(root, 'n'));
});

test.skipIf(process.getuid?.() !== 0)(
  'a baton.yaml that somebody else left where anybody may write does not count (needs root)',
  async () => {
    const { chown } = await import('node:fs/promises');
    const { root } = world({ 'open/baton.yaml': 'slots: 1\n', 'open/p/x': '' });
    chmodSync(join(root, 'open'), 0o1777);
    expect(projectFile(join(root, 'open/p'))).toBe(join(root, 'open/baton.yaml'));
    await chown(join(root, 'open/baton.yaml'), 12345, 12345);
    expect(projectFile(join(root, 'open/p'))).toBeUndefined();
    chmodSync(join(root, 'open'), 0o755);
    expect(projectFile(join(root, 'open/p'))).toBe(join(root, 'open/baton.yaml'));
  },
);
