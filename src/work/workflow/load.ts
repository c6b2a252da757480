/**
 * Loads a workflow file and every file it uses, and reports every problem of all of them at once. Never throws for what
 * the bytes say.
 */
import { hash } from 'node:crypto';
import { posix } from 'node:path';
import type { z } from 'zod';
import { checkAgentEntry, checkWorkflow, type Known } from './check.ts';
import { type Path, readSource, type Source } from './document.ts';
import { type Problem, sortProblems } from './problem.ts';
import { type SettingsFile, settings, type WorkflowFile, workflow } from './schema.ts';
import { shapeProblems } from './shape.ts';

export interface CheckedFile {
  /** As given, or relative to the file that uses it. */
  readonly file: string;
  readonly sha256: string;
  readonly text: string;
  readonly value: WorkflowFile;
  /** Key in `Loaded.files` of each used workflow, by the id of the task that uses it. */
  readonly uses: Readonly<Record<string, string>>;
}

export interface Loaded {
  readonly main: string;
  /** The file itself and all it uses, by key. */
  readonly files: Readonly<Record<string, CheckedFile>>;
}
export type LoadResult = { readonly ok: true; readonly loaded: Loaded } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads a used file by its path relative to the main one; undefined when there is none. */
export type ReadUsed = (path: string) => Uint8Array | undefined;

export function loadWorkflow(file: string, bytes: Uint8Array, known: Known, readUsed: ReadUsed = () => undefined): LoadResult {
  const problems: Problem[] = [];
  const files: Record<string, CheckedFile> = {};
  const main = posix.normalize(file);
  const open: { key: string; bytes: Uint8Array; chain: readonly string[] }[] = [{ key: main, bytes, chain: [] }];
  for (let item = open.pop(); item; item = open.pop()) {
    const { key, chain } = item;
    const source = readSource(key, item.bytes);
    const value = checked(source, workflow, problems);
    if (!value) continue;
    problems.push(...checkWorkflow(source, value, known));
    const uses: Record<string, string> = {};
    for (const [id, task] of Object.entries(value.tasks)) {
      if (task.uses === undefined) continue;
      const used = posix.join(posix.dirname(key), task.uses);
      const say = (code: Problem['code'], message: string) =>
        problems.push({ file: key, ...source.at(['tasks', id, 'uses']), code, message });
      if (posix.isAbsolute(task.uses) || task.uses.includes('\\')) {
        say('USES_NOT_FOUND', 'a used workflow is named by its path relative to this file');
        continue;
      }
      if (used === key || chain.includes(used)) {
        say('USES_RECURSION', `${[...chain, key, used].join(' uses ')}: a workflow can't use itself`);
        continue;
      }
      uses[id] = used;
      if (files[used]) continue;
      const found = readUsed(used);
      if (found) open.push({ key: used, bytes: found, chain: [...chain, key] });
      else say('USES_NOT_FOUND', `there is no file ${used}`);
    }
    files[key] = { file: key, sha256: hash('sha256', item.bytes), text: Buffer.from(item.bytes).toString('utf8'), value, uses };
  }
  if (problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  return { ok: true, loaded: { main, files } };
}

/** The value of a file when its shape is right; otherwise its problems join the others. */
function checked<T>(source: Source, schema: z.ZodType<T>, problems: Problem[]): T | undefined {
  problems.push(...source.problems);
  if (source.value === undefined && source.problems.length > 0) return undefined;
  const shape = shapeProblems(source, schema);
  problems.push(...shape);
  if (shape.length === 0 && source.value !== undefined) return schema.parse(source.value);
  return partly(source, schema, shape);
}

/**
 * A file with mistakes of shape is checked further where that makes sense: without the keys that are wrong, it may
 * still be a workflow, and its other mistakes are worth knowing too.
 */
function partly<T>(source: Source, schema: z.ZodType<T>, shape: readonly Problem[]): T | undefined {
  const result = schema.safeParse(source.value);
  if (result.success || shape.length === 0) return undefined;
  const copy: unknown = structuredClone(source.value);
  for (const issue of result.error.issues) {
    const paths: Path[] =
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...(issue.path as Path), key]) : [issue.path as Path];
    for (const path of paths) remove(copy, path);
  }
  const again = schema.safeParse(copy);
  return again.success ? again.data : undefined;
}

function remove(value: unknown, path: Path): void {
  let at = value;
  for (const step of path.slice(0, -1))
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[String(step)] : undefined;
  const last = path.at(-1);
  if (typeof at !== 'object' || at === null || last === undefined) return;
  if (Array.isArray(at)) at.splice(Number(last), 1);
  else delete (at as Record<string, unknown>)[String(last)];
}

export type SettingsResult =
  | { readonly ok: true; readonly value: SettingsFile }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function loadSettings(file: string, bytes: Uint8Array): SettingsResult {
  const problems: Problem[] = [];
  const source = readSource(file, bytes);
  if (source.value === null && source.problems.length === 0) return { ok: true, value: {} };
  const value = checked(source, settings, problems);
  for (const [name, agent] of Object.entries(value?.agents ?? {}))
    checkAgentEntry(name, agent, ['agents', name], (code, message, path, key) =>
      problems.push({ file, ...(key ? source.atKey(path) : source.at(path)), code, message }),
    );
  return problems.length > 0 || !value ? { ok: false, problems: sortProblems(problems) } : { ok: true, value };
}
