/** Runs a promotion in a child that is killed at a step, and its recovery in children that are killed too. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PromotionRequest } from '../../../src/work/workspace/workspace.ts';

export interface Job {
  readonly act: 'promote' | 'undo' | 'recover';
  readonly home: string;
  readonly store: string;
  readonly request: PromotionRequest;
  /** Counted from 1; 0 for never. */
  readonly killAt: number;
}
/** Undefined when it was killed. */
export type Said = { readonly steps: number; readonly result: unknown } | undefined;

const child = fileURLToPath(new URL('promotion-child.ts', import.meta.url));

export function runChild(job: Job): Promise<Said> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [child, JSON.stringify(job)], { maxBuffer: 1 << 26 }, (error, out, err) => {
      if (!error) resolve(JSON.parse(out) as Said);
      else if (error.signal === 'SIGKILL') resolve(undefined);
      else reject(new Error(`${error.message}\n${err}`));
    });
  });
}

/** Each try has a project of its own, made from the one that all begin with. */
export function copyOf(template: string, to: string): string {
  cpSync(template, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  return to;
}

/** What a promotion leaves when it is not over. */
export function leftovers(home: string): string[] {
  const root = join(home, 'promotions');
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => /journal\.json|\.new$|\.gone/.test(path));
}

export const removeAll = (folder: string): void => rmSync(folder, { recursive: true, force: true });
