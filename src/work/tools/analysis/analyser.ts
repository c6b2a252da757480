/** What Baton knows of one program that looks for mistakes: when a project has it, how it is asked, how its findings read. */
import type { Project } from '../test/runner.ts';

export type Severity = 'error' | 'warning' | 'info';

export interface Finding {
  readonly tool: string;
  /** Relative to the project's folder where it lies in it. */
  readonly file: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  /** Missing where it is no rule's, such as what can't be parsed. */
  readonly rule?: string;
  readonly severity: Severity;
  readonly message: string;
}

export interface Analyser {
  readonly name: string;
  /** Files may be named; otherwise it always looks at the whole project. */
  readonly takesFiles: boolean;
  found(project: Project): boolean;
  command(project: Project, files: readonly string[]): readonly string[];
  /** Undefined where it printed nothing that can be read. */
  read(stdout: string, project: Project): readonly Finding[] | undefined;
}

const MESSAGE_MAX = 2000;

export interface Found {
  readonly file: string;
  readonly line?: number | null | undefined;
  readonly column?: number | null | undefined;
  readonly rule?: string | null | undefined;
  readonly severity: Severity;
  readonly message: string;
}

/** A finding without what is unknown. */
export const finding = (tool: string, { file, line, column, rule, severity, message }: Found): Finding => ({
  tool,
  file,
  ...(line ? { line } : {}),
  ...(column ? { column } : {}),
  ...(rule ? { rule } : {}),
  severity,
  message: message.trim().slice(0, MESSAGE_MAX),
});
