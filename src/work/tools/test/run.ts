/** `test.run`: finds out who runs a project's tests, has them run in the sandbox, and reads the report. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { BatonError } from '../../../errors.ts';
import { failure } from '../../processes/failure.ts';
import { lastLines } from '../../processes/output.ts';
import { outputText, wholeOf } from '../command-output.ts';
import { filePath, folderPath } from '../files/path.ts';
import { BUILT_IN } from '../names.ts';
import { readProject } from '../project.ts';
import { COMMAND_OVERHEAD_MS, COMMAND_TIMEOUT_MAX_MS } from '../shell.ts';
import { defineTool, type Executed, type Tool, type ToolResult } from '../tool.ts';
import { go } from './golang.ts';
import { jest, nodeTest, npm, pnpm, vitest } from './javascript.ts';
import { pytest } from './python.ts';
import type { Project, TestCounts, TestFailure, TestRunner } from './runner.ts';
import { cargo } from './rust.ts';

/** In order of how sure it is: what a script names goes before what its folder looks like. */
export const TEST_RUNNERS: readonly TestRunner[] = [vitest, jest, nodeTest, pnpm, npm, pytest, cargo, go];
const NAMES = TEST_RUNNERS.map(({ name }) => name) as [string, ...string[]];

/** Limit of a run of tests that names none: 10 min. */
const TESTS_TIMEOUT_MS = 600_000;
/** Most bytes of a report: 32 MiB. */
const REPORT_MAX = 32 * 1024 * 1024;

const input = z.strictObject({
  runner: z.enum(NAMES).optional().describe('Found out from the files of the project where it is missing'),
  cwd: folderPath.default('.').describe('Folder of the project in the workspace'),
  only: z.array(filePath).max(200).default([]).describe('Only these test files; packages such as ./sums for Go'),
  mayFail: z.boolean().default(false).describe('Failed tests are a result like any other, and no failure of the call'),
  timeoutMs: z.int().min(1).max(COMMAND_TIMEOUT_MAX_MS).default(TESTS_TIMEOUT_MS),
});

export const testRun: Tool = defineTool({
  name: 'test.run',
  ...BUILT_IN['test.run'],
  description:
    'Runs the tests of the project in the workspace, in a sandbox without network. Finds out by itself how (Vitest, Jest, node --test, npm, pnpm, pytest, cargo, go). Gives how many passed, failed and were skipped, and each failure with file, line and message.',
  timeoutMs: COMMAND_TIMEOUT_MAX_MS + COMMAND_OVERHEAD_MS,
  input,

  async run({ runner: named, cwd, only, mayFail, timeoutMs }, place) {
    const project = await readProject(place, cwd);
    const runner = TEST_RUNNERS.find((each) => (named === undefined ? each.found(project) : each.name === named));
    if (runner === undefined) throw noRunner(cwd);
    if (only.length > 0 && runner.only === undefined)
      throw new BatonError('TOOL_INPUT', `${runner.name} runs all tests; it can't be asked for some.`, { hint: 'Leave out `only`.' });
    const report = `tests-${randomUUID()}`;
    const command = runner.command(project, { report: `${place.reports.inside}/${report}`, only });
    const ended = await place.exec(command, { cwd, timeoutMs, env: { CI: '1', NO_COLOR: '1' } });
    const counts = await countsOf(runner, project, ended, await place.reports.read(report, REPORT_MAX));
    return counts === undefined ? unread(runner, ended, mayFail) : counted(runner, ended, counts, mayFail);
  },
});

const noRunner = (cwd: string): BatonError =>
  new BatonError('TEST_RUNNER_NOT_FOUND', `Nothing at the top of "${cwd}" says how its tests are run.`, {
    hint: `Looked for ${NAMES.join(', ')}. Name one as \`runner\`, or another folder as \`cwd\`, or run a command instead.`,
    where: cwd,
  });

const countsOf = async (runner: TestRunner, project: Project, { stdout, stderr }: Executed, report: Buffer | undefined) =>
  runner.read({ stdout: wholeOf(stdout), stderr: wholeOf(stderr), report: report?.toString('utf8') }, project);

const counted = ({ name }: TestRunner, ended: Executed, counts: TestCounts, mayFail: boolean): ToolResult => {
  const { passed, failed, skipped, failures } = counts;
  const data = { runner: name, passed, failed, skipped, ms: ended.ms, failures, counted: true, ...exitOf(ended) };
  const summary = `${name}: ${passed} passed, ${failed} failed, ${skipped} skipped.`;
  const listed = failures.map(shown);
  if (failures.length < failed) listed.push(`… and ${failed - failures.length} more`);
  const stopped = ended.failure !== undefined && ended.exitCode === undefined;
  if (failed > 0 && !stopped)
    return {
      ok: mayFail,
      text: [summary, ...listed].join('\n\n'),
      data,
      ...(mayFail ? {} : { failure: failure('permanent', 'TESTS_FAILED', [summary, ...listed.slice(0, 5)].join('\n')) }),
    };
  if (ended.failure === undefined) return { ok: true, text: summary, data };
  // A threshold that was missed, an error outside of any test, a time limit.
  const why = `${summary} But ${ended.failure.message}`;
  return { ok: false, text: `${why}\n${outputText(ended)}`, data, failure: failure(ended.failure.class, ended.failure.code, why) };
};

/** Without a report there is only how it ended; that is all some scripts give. */
const unread = ({ name }: TestRunner, ended: Executed, mayFail: boolean): ToolResult => {
  const isScript = name === 'npm' || name === 'pnpm';
  const fine = ended.failure === undefined;
  const failures: readonly TestFailure[] = fine ? [] : [{ name: `${name} test`, message: lastLines(outputText(ended), 40, 4000) }];
  const data = { runner: name, passed: 0, failed: failures.length, skipped: 0, ms: ended.ms, failures, counted: false, ...exitOf(ended) };
  if (fine && isScript) return { ok: true, text: `${name} test ended well; it does not say how many tests there were.`, data };
  const why = isScript
    ? failure(ended.failure?.class ?? 'permanent', ended.failure?.code ?? 'TESTS_FAILED', ended.failure?.message ?? '')
    : failure('permanent', 'TEST_REPORT_MISSING', `${name} left no report that can be read${fine ? '' : `: ${ended.failure?.message}`}`);
  const ok = mayFail && isScript && ended.exitCode !== undefined;
  return { ok, text: `${why.message}\n${outputText(ended)}`, data, ...(ok ? {} : { failure: why }) };
};

const exitOf = ({ exitCode }: Executed): { readonly exitCode?: number } => (exitCode === undefined ? {} : { exitCode });

const shown = ({ name, file, line, message }: TestFailure): string =>
  `${file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}  `}${name}\n${message}`;
