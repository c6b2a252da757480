/** `analysis.run`: has the linters and type checkers of a project look at it, in the sandbox, and reads what they found. */
import { z } from 'zod';
import { BatonError } from '../../../errors.ts';
import { failure } from '../../processes/failure.ts';
import { outputText, wholeOf } from '../command-output.ts';
import { filePath, folderPath } from '../files/path.ts';
import { BUILT_IN } from '../names.ts';
import { readProject } from '../project.ts';
import { COMMAND_OVERHEAD_MS, COMMAND_TIMEOUT_MAX_MS } from '../shell.ts';
import type { Project } from '../test/runner.ts';
import { defineTool, type Tool, type ToolPlace } from '../tool.ts';
import type { Analyser, Finding } from './analyser.ts';
import { ANALYSERS } from './analysers.ts';

const NAMES = ANALYSERS.map(({ name }) => name) as [string, ...string[]];

/** Limit of one analyser that names none: 5 min. */
const ANALYSIS_TIMEOUT_MS = 300_000;
/** Most findings that are told one by one; the others are counted. */
export const FINDINGS_MAX = 500;

const input = z.strictObject({
  tools: z.array(z.enum(NAMES)).min(1).optional().describe('All that the project is set up for, where it is missing'),
  cwd: folderPath.default('.').describe('Folder of the project in the workspace'),
  files: z.array(filePath).max(200).default([]).describe('Only these; tsc always looks at the whole project'),
  failOn: z.enum(['error', 'warning', 'never']).default('error').describe('The least severe finding that makes the call fail'),
  timeoutMs: z.int().min(1).max(COMMAND_TIMEOUT_MAX_MS).default(ANALYSIS_TIMEOUT_MS).describe('Milliseconds for each'),
});

export const analysisRun: Tool = defineTool({
  name: 'analysis.run',
  ...BUILT_IN['analysis.run'],
  description:
    'Checks the project in the workspace with the linters and type checkers it is set up for (ESLint, Biome, tsc, ruff), in a sandbox. Gives each finding with file, line, rule, severity and message. Changes nothing.',
  timeoutMs: NAMES.length * COMMAND_TIMEOUT_MAX_MS + COMMAND_OVERHEAD_MS,
  input,

  async run({ tools, cwd, files, failOn, timeoutMs }, place) {
    const project = await readProject(place, cwd);
    const analysers = ANALYSERS.filter((each) => (tools === undefined ? each.found(project) : tools.includes(each.name)));
    if (analysers.length === 0) throw noAnalyser(cwd);
    const all: Finding[] = [];
    for (const analyser of analysers) all.push(...(await analyse(analyser, project, { cwd, files, timeoutMs }, place)));

    const count = (severity: Finding['severity']): number => all.filter((each) => each.severity === severity).length;
    const [errors, warnings] = [count('error'), count('warning')];
    const findings = all.slice(0, FINDINGS_MAX);
    const names = analysers.map(({ name }) => name);
    const data = { tools: names, errors, warnings, findings, leftOut: all.length - findings.length };
    const summary = `${names.join(', ')}: ${errors} errors, ${warnings} warnings.`;
    const text = [summary, ...findings.map(shown), ...(data.leftOut > 0 ? [`… and ${data.leftOut} more`] : [])].join('\n');
    const bad = (failOn !== 'never' && errors > 0) || (failOn === 'warning' && warnings > 0);
    if (!bad) return { ok: true, text, data };
    const said = [summary, ...findings.slice(0, 5).map(shown)].join('\n');
    return { ok: false, text, data, failure: failure('permanent', 'FINDINGS', said) };
  },
});

const noAnalyser = (cwd: string): BatonError =>
  new BatonError('ANALYSER_NOT_FOUND', `Nothing at the top of "${cwd}" says how it is checked.`, {
    hint: `Looked for ${NAMES.join(', ')}. Name some as \`tools\`, or another folder as \`cwd\`.`,
    where: cwd,
  });

interface Asked {
  readonly cwd: string;
  readonly files: readonly string[];
  readonly timeoutMs: number;
}

/** @throws BatonError `ANALYSIS_FAILED` when it found nothing and did not end well, so that silence is never taken for praise */
const analyse = async (
  analyser: Analyser,
  project: Project,
  { cwd, files, timeoutMs }: Asked,
  place: ToolPlace,
): Promise<readonly Finding[]> => {
  const command = analyser.command(project, analyser.takesFiles ? files : []);
  const ended = await place.exec(command, { cwd, timeoutMs, env: { NO_COLOR: '1' } });
  const found = analyser.read(wholeOf(ended.stdout), project);
  const clean = ended.failure === undefined;
  if (found !== undefined && (clean || (found.length > 0 && ended.exitCode !== undefined))) return found;
  throw new BatonError(
    'ANALYSIS_FAILED',
    `${analyser.name} could not do its work: ${ended.failure?.message ?? 'what it printed can not be read'}`,
    {
      hint: outputText(ended).slice(-2000),
      where: analyser.name,
    },
  );
};

const shown = ({ file, line, column, rule, severity, message, tool }: Finding): string =>
  `${[file, line, column].filter((part) => part !== undefined).join(':')}  ${severity}  ${rule ?? tool}  ${message}`;
