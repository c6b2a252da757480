// req A3: every built-in tool over a tree as a task of a real run; those for research and knowledge are in research.test.ts.
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createSandboxes } from '../../src/work/sandbox/choose.ts';
import { BUILT_IN } from '../../src/work/tools/names.ts';
import { type RepositoryPlace, repositoryPlace } from './support/repository.ts';

let at: RepositoryPlace | undefined;
afterEach(() => at?.close());

const PATCH = '--- a/poem.txt\\n+++ b/poem.txt\\n@@ -1,2 +1,2 @@\\n roses\\n-daisies\\n+tulips\\n';
const WORKFLOW = `version: 1
name: tools
tasks:
  write: { tool: files.write, with: { path: notes.md, content: "one\\ntwo\\n" } }
  read: { needs: write, tool: files.read, with: { path: notes.md } }
  edit: { needs: write, tool: files.edit, with: { path: poem.txt, old: violets, new: daisies } }
  patch: { needs: edit, tool: files.patch, with: { patch: "${PATCH}" } }
  delete: { needs: read, tool: files.delete, with: { path: gone.txt } }
  list: { needs: [patch, delete], tool: files.list, with: { glob: "*.txt" } }
  search: { needs: [patch], tool: files.search, with: { query: tulips, glob: "*.txt" } }
  shell: { needs: [patch], tool: shell.run, with: { command: "tr a-z A-Z < poem.txt > loud.txt && git --version" } }
  status: { needs: [shell], tool: git.status }
  diff: { needs: [shell], tool: git.diff }
  log: { needs: [shell], tool: git.log }
  show: { needs: [shell], tool: git.show, with: { path: poem.txt } }
  test: { needs: [patch], tool: test.run }
  analysis: { needs: [patch], tool: analysis.run }
`;
/** Stands for a linter that is installed in the project. */
const LINTER = `#!/bin/sh
printf '%s' '{"source":{"name":"Biome"},"diagnostics":[{"code":{"value":"lint/a"},"location":{"path":"poem.txt","range":{"start":{"line":1,"column":1}}},"message":"it rhymes","severity":"WARNING"}]}'
`;

test('each does its work in the workspace of its task, and what they changed comes into the tree', {
  timeout: 120_000,
}, async (context) => {
  const sandboxes = createSandboxes({ env: process.env });
  // `npm test` installs bubblewrap first where it may; on a machine that forbids user namespaces there is nothing to try, and it says so.
  if (!(await sandboxes.probes()).some(({ probe }) => probe.ok)) context.skip('there is no sandbox here');
  const place = repositoryPlace();
  at = place;
  mkdirSync(join(place.folder, 'node_modules/.bin'), { recursive: true });
  place.write('node_modules/.bin/biome', LINTER);
  chmodSync(join(place.folder, 'node_modules/.bin/biome'), 0o755);
  place.write('biome.json', '{}');
  place.write(
    'package.json',
    '{"name":"poems","type":"module","scripts":{"test":"node --test"},"devDependencies":{"@biomejs/biome":"2.0.0"}}',
  );
  place.write('poem.test.js', "import { test } from 'node:test';\ntest('rhymes', () => {});\n");
  place.write('gone.txt', 'old\n');
  place.git('add', '-A');
  place.git('commit', '-q', '-m', 'second');
  place.write('tools.yaml', WORKFLOW);
  const { code, out } = await place.baton('run', 'tools.yaml');
  expect([code, out]).toEqual([0, expect.stringContaining('14 tasks done')]);

  const outputs: Record<string, unknown> = {};
  for (const [, task = ''] of WORKFLOW.matchAll(/^ {2}(\w+): \{/gm)) {
    const [shown] = await place.json<{ handoff: { outputs: unknown } }>('show', 'last', task);
    outputs[task] = shown?.handoff.outputs;
  }
  expect(outputs).toMatchObject({
    read: { text: 'one\ntwo' },
    list: { entries: [{ path: 'poem.txt' }] },
    search: { matches: [{ path: 'poem.txt', line: 2 }] },
    shell: { exitCode: 0 },
    status: { changes: [] },
    diff: { patch: '' },
    log: { commits: expect.arrayContaining([expect.objectContaining({ message: 'edit, attempt 1' })]) },
    show: { text: 'roses\ntulips\n' },
    test: { runner: 'node', passed: 1, failed: 0 },
    analysis: { tools: ['biome'], errors: 0, warnings: 1 },
  });
  expect(readFileSync(join(place.folder, 'poem.txt'), 'utf8')).toBe('roses\ntulips\n');
  expect(readFileSync(join(place.folder, 'loud.txt'), 'utf8')).toBe('ROSES\nTULIPS\n');
  const used = [...WORKFLOW.matchAll(/tool: ([a-z.]+)/g)].map(([, name]) => name);
  const others = Object.keys(BUILT_IN).filter((name) => !/^(research|knowledge)\./.test(name));
  expect(used.sort()).toEqual(others.sort());
});
