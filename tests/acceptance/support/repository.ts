/** A git repository of its own, and agents that are small programs: what a person would have, in a temporary folder. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder } from './cli.ts';

export interface Repository {
  readonly folder: string;
  readonly home: string;
  git(...args: readonly string[]): string;
}

export function makeRepository(name: string, files: Readonly<Record<string, string>>): Repository {
  const top = makeFolder(name);
  // Whoever works in a sandbox as somebody else has to come by here.
  chmodSync(top, 0o755);
  const folder = join(top, 'project');
  for (const [path, text] of Object.entries({ '.gitignore': '.baton/\n', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com', ...args], { cwd: folder, encoding: 'utf8', env });
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'The beginning');
  return { folder, home: join(top, 'home'), git };
}

/** An agent that does what its prompt says, in the words of `editor.js`. */
export const EDITOR = { command: [process.execPath, fileURLToPath(new URL('./editor.js', import.meta.url))], capabilities: ['edit'] };

/** One thing an editor does in its folder. */
export type Edit =
  | { readonly sleep: number }
  | { readonly write: string; readonly text: string }
  | { readonly line: number; readonly of: string; readonly text: string }
  | { readonly run: string }
  /** Takes both sides of every conflict in a file. */
  | { readonly both: string };
/** What it does at first, and what when its work comes back. */
export const edits = (first: readonly Edit[], again: readonly Edit[] = []): string => JSON.stringify({ first, again });
