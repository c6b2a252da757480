/** The programs themselves, in the order in which they are run. */
import { z } from 'zod';
import { type Project, parsed, relativeTo } from '../test/runner.ts';
import { type Analyser, finding, type Severity } from './analyser.ts';

const exec = ({ npm }: Project): readonly string[] => npm?.exec ?? ['npx', '--no-install'];
const dependsOn = ({ npm }: Project, name: string): boolean => npm?.dependencies.has(name) ?? false;
const anyName = ({ names }: Project, pattern: RegExp): boolean => [...names].some((name) => pattern.test(name));
const position = z.number().nullish();

const eslintReport = z.array(
  z.object({
    filePath: z.string(),
    messages: z.array(
      z.object({ ruleId: z.string().nullish(), severity: z.number(), message: z.string(), line: position, column: position }),
    ),
  }),
);

export const eslint: Analyser = {
  name: 'eslint',
  takesFiles: true,
  found: (project) => dependsOn(project, 'eslint') || anyName(project, /^(eslint\.config\.\w+|\.eslintrc(\.\w+)?)$/),
  command: (project, files) => [...exec(project), 'eslint', '--format', 'json', ...(files.length === 0 ? ['.'] : files)],
  read: (stdout, { inside }) =>
    eslintReport.safeParse(parsed(stdout)).data?.flatMap(({ filePath, messages }) =>
      messages.map(({ ruleId, severity, message, line, column }) =>
        finding('eslint', {
          file: relativeTo(inside, filePath),
          line,
          column,
          rule: ruleId,
          severity: severity >= 2 ? 'error' : 'warning',
          message,
        }),
      ),
    ),
};

const rdjson = z.object({
  diagnostics: z.array(
    z.object({
      message: z.string(),
      severity: z.string().nullish(),
      code: z.object({ value: z.string().nullish() }).nullish(),
      location: z
        .object({
          path: z.string().nullish(),
          range: z.object({ start: z.object({ line: position, column: position }).nullish() }).nullish(),
        })
        .nullish(),
    }),
  ),
});
const SEVERITIES: Readonly<Record<string, Severity>> = { ERROR: 'error', WARNING: 'warning', INFO: 'info' };

export const biome: Analyser = {
  name: 'biome',
  takesFiles: true,
  found: (project) => dependsOn(project, '@biomejs/biome') || anyName(project, /^\.?biome\.jsonc?$/),
  command: (project, files) => [...exec(project), 'biome', 'check', '--reporter=rdjson', '--max-diagnostics=none', ...files],
  read: (stdout, { inside }) =>
    rdjson.safeParse(parsed(stdout)).data?.diagnostics.map(({ message, severity, code, location }) =>
      finding('biome', {
        file: relativeTo(inside, location?.path ?? ''),
        line: location?.range?.start?.line,
        column: location?.range?.start?.column,
        rule: code?.value,
        severity: SEVERITIES[severity ?? ''] ?? 'error',
        message,
      }),
    ),
};

const TSC = /^(.+?)\((\d+),(\d+)\): (error|warning|message) (TS\d+): (.*)$/;
const TSC_OF_PROJECT = /^(error|warning) (TS\d+): (.*)$/;

export const tsc: Analyser = {
  name: 'tsc',
  takesFiles: false,
  found: (project) => project.names.has('tsconfig.json'),
  command: (project) => [...exec(project), 'tsc', '--noEmit', '--pretty', 'false'],

  read(stdout, { inside }) {
    const findings: { file: string; line?: number; column?: number; rule: string; severity: Severity; message: string }[] = [];
    for (const line of stdout.split('\n')) {
      const [, file = '', row, column, severity, rule = '', message = ''] = TSC.exec(line) ?? [];
      if (row !== undefined)
        findings.push({
          file: relativeTo(inside, file),
          line: Number(row),
          column: Number(column),
          rule,
          severity: severity === 'error' ? 'error' : 'info',
          message,
        });
      else if (/^\s+\S/.test(line)) {
        const last = findings.at(-1);
        if (last !== undefined) last.message += `\n${line.trimEnd()}`;
      } else {
        const [, , ofProject, said] = TSC_OF_PROJECT.exec(line) ?? [];
        if (ofProject !== undefined) findings.push({ file: 'tsconfig.json', rule: ofProject, severity: 'error', message: said ?? '' });
      }
    }
    return findings.map((each) => finding('tsc', each));
  },
};

const ruffReport = z.array(
  z.object({
    filename: z.string(),
    code: z.string().nullish(),
    message: z.string(),
    location: z.object({ row: position, column: position }).nullish(),
  }),
);

export const ruff: Analyser = {
  name: 'ruff',
  takesFiles: true,
  found: ({ names, text }) =>
    names.has('ruff.toml') || names.has('.ruff.toml') || (text('pyproject.toml')?.includes('[tool.ruff') ?? false),
  command: (_project, files) => ['ruff', 'check', '--output-format', 'json', '--no-cache', ...(files.length === 0 ? ['.'] : files)],
  read: (stdout, { inside }) =>
    ruffReport.safeParse(parsed(stdout)).data?.map(({ filename, code, message, location }) =>
      finding('ruff', {
        file: relativeTo(inside, filename),
        line: location?.row,
        column: location?.column,
        rule: code,
        severity: 'error',
        message,
      }),
    ),
};

export const ANALYSERS: readonly Analyser[] = [biome, eslint, tsc, ruff];
