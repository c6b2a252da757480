/**
 * What Baton knows of one program that runs tests: how a project of it looks, how it is asked, and how its report reads.
 * Everything it prints was written by code that an agent may have changed, so it is read as data and never as proof.
 */
import type { ExecCommand } from '../tool.ts';

/** The project in a folder, as far as its top level tells: read once, before anything runs. */
export interface Project {
  /** Names of the files and folders at its top. */
  readonly names: ReadonlySet<string>;
  /** Text of a file at its top, of those that describe a project. */
  text(name: string): string | undefined;
  readonly npm: NpmPackage | undefined;
  /** Absolute path of the folder for commands. */
  readonly inside: string;
}

export interface NpmPackage {
  readonly scripts: Readonly<Record<string, string>>;
  /** Names of everything it depends on, at run time or not. */
  readonly dependencies: ReadonlySet<string>;
  /** Runs a program of the project's own, without installing any. */
  readonly exec: readonly string[];
  readonly manager: 'npm' | 'pnpm';
}

export interface TestFailure {
  readonly name: string;
  /** Relative to the project's folder where it lies in it. */
  readonly file?: string;
  readonly line?: number;
  readonly message: string;
}

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly TestFailure[];
}

/** What a run left to read. */
export interface TestOutput {
  readonly stdout: string;
  readonly stderr: string;
  /** The file it was asked to write, where it did. */
  readonly report: string | undefined;
}

export interface AskedTests {
  /** Absolute path for commands: where the report goes. */
  readonly report: string;
  /** Only these: files for most, packages for Go. */
  readonly only: readonly string[];
}

export interface TestRunner {
  readonly name: string;
  /** What `only` may name; nothing where it can't be narrowed. */
  readonly only?: 'files' | 'packages';
  found(project: Project): boolean;
  command(project: Project, asked: AskedTests): ExecCommand;
  /** Undefined where there is no report that can be read. */
  read(output: TestOutput, project: Project): TestCounts | undefined;
}

/** Most failures that are told one by one; the others are counted. */
export const FAILURES_MAX = 200;
const MESSAGE_MAX = 4000;

/** Collects what a report says, with everything in bounds. */
export class Counting {
  private passed = 0;
  private failed = 0;
  private skipped = 0;
  private readonly failures: TestFailure[] = [];
  private readonly inside: string;

  constructor({ inside }: Pick<Project, 'inside'>) {
    this.inside = inside;
  }

  pass(): void {
    this.passed += 1;
  }
  skip(): void {
    this.skipped += 1;
  }
  fail({ name, file, line, message }: { name: string; file?: string | undefined; line?: number | undefined; message: string }): void {
    this.failed += 1;
    if (this.failures.length >= FAILURES_MAX) return;
    this.failures.push({
      name: name.slice(0, MESSAGE_MAX),
      ...(file === undefined || file === '' ? {} : { file: relativeTo(this.inside, file) }),
      ...(line === undefined ? {} : { line }),
      message: message.trim().slice(0, MESSAGE_MAX),
    });
  }
  get counts(): TestCounts {
    const { passed, failed, skipped, failures } = this;
    return { passed, failed, skipped, failures };
  }
}

export const relativeTo = (folder: string, path: string): string => {
  const plain = path.startsWith('file://') ? path.slice('file://'.length) : path;
  if (plain.startsWith(`${folder}/`)) return plain.slice(folder.length + 1);
  return plain.startsWith('./') ? plain.slice(2) : plain;
};

/** The line that a text tells of a file, as `file:12`; the first place that names it. */
export const lineIn = (text: string, file: string | undefined): number | undefined => {
  if (file === undefined || file === '') return undefined;
  for (let at = text.indexOf(`${file}:`); at >= 0; at = text.indexOf(`${file}:`, at + 1)) {
    const line = /^\d{1,7}/.exec(text.slice(at + file.length + 1, at + file.length + 9))?.[0];
    if (line !== undefined) return Number(line);
  }
  return undefined;
};

/** JSON that may be none, or of any shape. */
export const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
