import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

interface Row {
  readonly name: string;
  readonly may: (path: string) => boolean;
}
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g;
const root = new URL('..', import.meta.url).pathname;
const document = readFileSync(join(root, 'docs/architecture.md'), 'utf8');

const covers = (name: string, path: string) => (name.endsWith('/') ? path.startsWith(name) : path === name);
const names = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

function table(text: string): Row[] {
  return [...text.matchAll(/^\| `([^`]+)` \|.*\|([^|]+)\|$/gm)].map(([, name = '', cell = '']) => {
    const listed = names(cell);
    return { name, may: (path) => listed.some((each) => covers(each, path)) !== cell.includes('all but') };
  });
}

const openToAll = (text: string) => [...text.matchAll(/^\| `([^`]+)` \|.*\| nothing; everyone /gm)].map(([, name = '']) => name);

function wrongArrows(src: string, text: string): string[] {
  const rows = table(text);
  const open = openToAll(text);
  return globSync('**/*.ts', { cwd: src }).flatMap((file) => {
    const row = rows.find(({ name }) => covers(name, file));
    if (!row) return [`${file}: no row for it`];
    const kernel = row.name === 'engine/kernel/';
    const tests = file.endsWith('.test.ts');
    return [...readFileSync(join(src, file), 'utf8').matchAll(IMPORT)].flatMap(([, spec = '']) => {
      const to = join(dirname(file), spec);
      const allowed = !spec.startsWith('.')
        ? !kernel || tests
        : covers(row.name, to) ||
          row.may(to) ||
          (tests && (to.startsWith('testing/') || to.startsWith('../tests/support/'))) ||
          (kernel ? to === 'errors.ts' : open.includes(to));
      return allowed ? [] : [`${file} → ${spec.startsWith('.') ? to : spec}`];
    });
  });
}

// req K1
test('every import of src follows the table in docs/architecture.md', () => {
  expect(table(document).length).toBeGreaterThan(20);
  expect(wrongArrows(join(root, 'src'), document)).toEqual([]);
});

test('a row names folders and files that a row describes', () => {
  const known = table(document).map(({ name }) => name);
  const named = [...document.matchAll(/^\| `[^`]+` \|.*\|([^|]+)\|$/gm)].flatMap(([, cell = '']) => names(cell));
  expect(named.filter((name) => !known.some((each) => covers(each, name) || covers(name, each)))).toEqual([]);
});

const planted: Record<string, [text: string, found: string[]]> = {
  'errors.ts': ['export {};', []],
  'near.ts': ["import './engine/kernel/state.ts';", ['near.ts → engine/kernel/state.ts']],
  'engine/kernel/state.ts': ["export * from './task.ts';\nimport { BatonError } from '../../errors.ts';", []],
  'engine/kernel/a.ts': ["import type { Host } from '../host/host.ts';", ['engine/kernel/a.ts → engine/host/host.ts']],
  'engine/kernel/b.ts': [
    "import { z } from 'zod';\nimport fs from 'node:fs';",
    ['engine/kernel/b.ts → zod', 'engine/kernel/b.ts → node:fs'],
  ],
  'engine/kernel/c.ts': ["import { near } from '../../near.ts';", ['engine/kernel/c.ts → near.ts']],
  'engine/kernel/d.test.ts': ["import { test } from 'vitest';\nimport { plans } from '../../testing/plans.ts';", []],
  'engine/host/loop.ts': ["import type {\n  Gate,\n} from '../../work/gates/gate.ts';", ['engine/host/loop.ts → work/gates/gate.ts']],
  'work/gates/gate.ts': ["import type { Blobs } from '../../engine/host/host.ts';\nimport { near } from '../../near.ts';", []],
  'work/gates/loop.ts': ["import { Embedded } from '../../engine/host/embedded.ts';", ['work/gates/loop.ts → engine/host/embedded.ts']],
  'work/gates/lazy.ts': ["const it = await import('../../compose/engine.ts');", ['work/gates/lazy.ts → compose/engine.ts']],
  'work/gates/tested.ts': ["export { plans } from '../../testing/plans.ts';", ['work/gates/tested.ts → testing/plans.ts']],
  'work/agent-tools/x.ts': ['export {};', ['work/agent-tools/x.ts: no row for it']],
  'compose/engine.ts': [
    "import '../work/gates/gate.ts';\nimport '../interfaces/cli/run.ts';",
    ['compose/engine.ts → interfaces/cli/run.ts'],
  ],
};

test('wrong arrows planted in a tree are found', () => {
  const src = mkdtempSync(join(tmpdir(), 'arrows-'));
  try {
    for (const [file, [text]] of Object.entries(planted)) {
      mkdirSync(dirname(join(src, file)), { recursive: true });
      writeFileSync(join(src, file), text);
    }
    const expected = Object.values(planted).flatMap(([, found]) => found);
    expect(wrongArrows(src, document).sort()).toEqual(expected.sort());
  } finally {
    rmSync(src, { recursive: true });
  }
});
