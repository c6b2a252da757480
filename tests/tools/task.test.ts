import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BatonError } from '../../src/errors.ts';
import { performTool } from '../../src/work/perform/tool-task.ts';
import type { HandoffContent } from '../../src/work/planning/definition.ts';
import { createSecrets } from '../../src/work/policy/secrets.ts';
import { TOOLS } from '../../src/work/tools/catalog.ts';
import { inputProblems } from '../../src/work/tools/input.ts';
import { BUILT_IN } from '../../src/work/tools/names.ts';
import { loadWorkflow } from '../../src/work/workflow/load.ts';
import { MapBlobs } from '../agents/support/context.ts';
import { TestRun } from '../workflow/support/run.ts';
import { placeIn, type TestPlace } from './support/place.ts';

const secrets = createSecrets({ env: { TOKEN: 'very-secret-token' } });

const perform = async (place: TestPlace, name: string, inputs?: Record<string, string | number | boolean>) => {
  const blobs = new MapBlobs();
  const outcome = await performTool({ secrets }, { kind: 'tool', name, ...(inputs ? { inputs } : {}) }, { place }, { blobs });
  return outcome.ok
    ? { content: blobs.json(outcome.result) as HandoffContent }
    : { failure: outcome.failure, report: String(blobs.get(outcome.failure.report ?? '')) };
};

// req A3
describe('a task that is a tool', () => {
  test('has what the tool gives as its outputs', async () => {
    const place = placeIn({ files: { a: 'one\ntwo\n' } });
    expect((await perform(place, 'files.read', { path: 'a' })).content).toEqual({
      summary: '1\tone',
      outputs: { path: 'a', text: 'one\ntwo', from: 1, to: 2, lines: 2, size: 8, utf8: true },
      artifacts: [],
      evidence: [],
      questions: [],
    });
    await perform(place, 'files.write', { path: 'b', content: 'x' });
    expect(readFileSync(join(place.folder, 'b'), 'utf8')).toBe('x');
  });

  test('fails as the tool does, with all it said in the report', async () => {
    const place = placeIn();
    const { failure, report } = await perform(place, 'shell.run', { command: 'echo half; exit 4' });
    expect(failure).toMatchObject({ class: 'permanent', code: 'EXIT_CODE' });
    expect(report).toBe('Exit code 4.\nhalf');
    expect((await perform(place, 'files.read', { path: '../x' })).failure).toMatchObject({ code: 'TOOL_INPUT', dispatched: false });
    expect((await perform(place, 'files.raed')).failure).toMatchObject({ code: 'UNKNOWN_TOOL' });
  });

  test('ends with its attempt', async () => {
    const ending = new AbortController();
    const made = perform(placeIn({ signal: ending.signal }), 'shell.run', { command: 'sleep 60' });
    ending.abort(new BatonError('TIMEOUT', 'The task took too long.'));
    expect((await made).failure).toMatchObject({ class: 'timeout', code: 'TIMEOUT' });
  });

  // req D5
  test('shows no secret', async () => {
    await secrets.value('TOKEN');
    const { content } = await perform(placeIn({ files: { a: 'it is very-secret-token' } }), 'files.read', { path: 'a' });
    expect(content?.outputs['text']).toBe('it is [secret TOKEN]');
  });
});

const problemsOf = (tasks: string) => {
  const known = {
    agents: new Set<string>(),
    toolProblems: (name: string, value: unknown) => {
      const tool = TOOLS.get(name);
      return tool === undefined ? [] : inputProblems(tool, value);
    },
  };
  const result = loadWorkflow(
    'w.yaml',
    Buffer.from(`version: 1\nname: w\ninputs: { n: { type: integer, default: 1 } }\ntasks:\n${tasks}`),
    known,
  );
  return result.ok ? [] : result.problems.map(({ line, column, code, message }) => `${line - 4}:${column} ${code} ${message}`);
};

// req F1
describe('a tool in a workflow file', () => {
  test('that fits is fine, also where its arguments are known only later', () => {
    expect(
      problemsOf(
        '  a: { tool: test.run }\n  b: { needs: a, tool: files.read, with: { path: "${{ inputs.n }}.txt", from: "${{ inputs.n }}" } }\n',
      ),
    ).toEqual([]);
    expect(problemsOf('  a: { tool: shell.run, with: { command: ["echo", "${{ inputs.n }}"] } }\n')).toEqual([]);
  });

  test('that there is not brings a guess', () => {
    expect(problemsOf('  a: { tool: tests.run }\n')).toEqual([
      '1:14 UNKNOWN_TOOL task "a" names the tool "tests.run", which Baton does not have. Did you mean "test.run"?',
    ]);
    expect(problemsOf('  a: { tool: files }\n')[0]).toContain('There are files.read, files.list');
  });

  test('with arguments that do not fit is told each of them, where it stands', () => {
    const found = problemsOf('  a:\n    tool: files.read\n    with:\n      pth: x\n      from: 0\n      lines: "ten"\n');
    expect(found).toEqual([
      '2:11 MISSING_KEY files.read needs `path`; give it under `with`',
      '4:7 UNKNOWN_KEY files.read has no argument "pth". Did you mean "path"?',
      '5:13 WRONG_TYPE `from` of files.read: Too small: expected number to be >=1',
      '6:14 WRONG_TYPE `lines` of files.read: Invalid input: expected number, received string',
    ]);
    expect(problemsOf('  a: { tool: files.read, with: { path: ../x } }\n')[0]).toContain(
      '`path` of files.read: the path "../x" is not in its plain form',
    );
    expect(problemsOf('  a: { tool: test.run, env: { A: b } }\n')[0]).toContain('UNKNOWN_KEY `env` means nothing for a task with `tool`');
  });

  test('is idempotent where the tool says so, or the file does', () => {
    const run = new TestRun(
      'tasks:\n  a: { tool: test.run }\n  b: { tool: shell.run, with: { command: ls } }\n  c: { tool: shell.run, idempotent: true, with: { command: ls } }\n',
    );
    const specs = ['a', 'b', 'c'].map((id) => run.task(id).spec);
    expect(specs.map(({ kind, agent, idempotent }) => ({ kind, agent, idempotent }))).toEqual([
      { kind: 'work', agent: 'tool', idempotent: true },
      { kind: 'work', agent: 'tool', idempotent: false },
      { kind: 'work', agent: 'tool', idempotent: true },
    ]);
    expect(run.definition('b')).toEqual({ kind: 'tool', name: 'shell.run', inputs: { command: 'ls' } });
  });

  test('has its expressions filled in', () => {
    const run = new TestRun(
      'inputs: { n: { type: integer, default: 3 } }\ntasks:\n  a: { tool: files.read, with: { path: "f-${{ inputs.n }}", from: "${{ inputs.n }}" } }\n',
    );
    expect(run.resolve('a')).toBe('inputs');
    expect(run.definition('a')).toEqual({ kind: 'tool', name: 'files.read', inputs: { path: 'f-3', from: 3 } });
  });
});

test('the names that are known before the tools are loaded are those of the tools', () => {
  expect([...TOOLS.keys()]).toEqual(Object.keys(BUILT_IN));
  for (const [name, tool] of TOOLS)
    expect({ name: tool.name, effects: tool.effects, idempotent: tool.idempotent }).toEqual({
      name,
      ...BUILT_IN[name as keyof typeof BUILT_IN],
    });
});
