/**
 * Loads a workflow file and every file it uses, and reports every problem of all of them at once. Never throws for what
 * the bytes say.
 */
import { hash } from 'node:crypto';
import { posix } from 'node:path';
import type { z } from 'zod';
import { checkAgentEntry, checkLimits, checkWorkflow, type Known, type Say } from './check.ts';
import { readSource, type Source } from './document.ts';
import { type Problem, type ProblemCode, sortProblems } from './problem.ts';
import { routingProblems } from './routing.ts';
import { type Salvaged, salvage } from './salvage.ts';
import { type SettingsFile, settings, type TaskEntry, type WorkflowFile, workflow } from './schema.ts';
import { shaped } from './shape.ts';
import { withProblems } from './with.ts';

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

/** Files that one workflow may use, directly or through others. */
const FILES_MAX = 200;

interface Opened {
  readonly source: Source;
  readonly bytes: Uint8Array;
  readonly salvaged: Salvaged<WorkflowFile> | undefined;
  readonly uses: Map<string, string>;
}

export function loadWorkflow(file: string, bytes: Uint8Array, known: Known, readUsed: ReadUsed = () => undefined): LoadResult {
  const problems: Problem[] = [];
  const main = posix.normalize(file);
  const opened = openAll(main, bytes, readUsed, problems);
  problems.push(...recursions(main, opened));
  const agents = new Set(known.agents);
  for (const name of Object.keys(opened.get(main)?.salvaged?.value.agents ?? {})) agents.add(name);
  for (const [key, { source, salvaged, uses }] of opened) {
    if (!salvaged) continue;
    const wrong = new Set(problems.filter((each) => each.file === key && each.code !== 'MISSING_KEY').map(placeOf));
    const usedOutputs = (id: string) => {
      const used = opened.get(uses.get(id) ?? '')?.salvaged;
      return used && !used.damaged.has('outputs') ? Object.keys(used.value.outputs ?? {}) : undefined;
    };
    const found = checkWorkflow(source, salvaged.value, { ...known, agents }, { damaged: salvaged.damaged, usedOutputs });
    for (const [id, used] of uses) found.push(...withProblems(source, id, salvaged.value, opened.get(used)?.salvaged));
    // What stands where the shape is wrong already has its problem.
    problems.push(...found.filter((each) => !wrong.has(placeOf(each))));
  }
  if (problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  return { ok: true, loaded: { main, files: Object.fromEntries([...opened].flatMap(([key, each]) => checkedFile(key, each))) } };
}

const placeOf = ({ line, column }: Problem): string => `${line}:${column}`;

const checkedFile = (key: string, { bytes, salvaged, uses }: Opened): [string, CheckedFile][] =>
  salvaged
    ? [
        [
          key,
          {
            file: key,
            sha256: hash('sha256', bytes),
            text: Buffer.from(bytes).toString('utf8'),
            value: salvaged.value,
            uses: Object.fromEntries(uses),
          },
        ],
      ]
    : [];

/** The file and all it uses, each read once. */
function openAll(main: string, bytes: Uint8Array, readUsed: ReadUsed, problems: Problem[]): Map<string, Opened> {
  const opened = new Map<string, Opened>();
  const open: [string, Uint8Array][] = [[main, bytes]];
  const met = new Set([main]);
  for (let item = open.shift(); item; item = open.shift()) {
    const [key, own] = item;
    const source = readSource(key, own);
    const salvaged = checked(source, workflow, problems);
    const uses = new Map<string, string>();
    opened.set(key, { source, bytes: own, salvaged, uses });
    for (const [id, task] of Object.entries(salvaged?.value.tasks ?? {})) {
      if (task.uses === undefined) continue;
      const say = (code: ProblemCode, message: string) => problems.push({ file: key, ...source.at(['tasks', id, 'uses']), code, message });
      const used = usedPath(key, task);
      if (used === undefined) {
        say('USES_NOT_FOUND', 'a used workflow is named by its path relative to this file');
        continue;
      }
      uses.set(id, used);
      if (met.has(used)) continue;
      met.add(used);
      const found = met.size > FILES_MAX ? undefined : readUsed(used);
      if (found) open.push([used, found]);
      else if (met.size > FILES_MAX) say('LIMIT_TOO_LARGE', `limit FILES_MAX = ${FILES_MAX}: more workflows are used`);
      else say('USES_NOT_FOUND', `there is no file ${used}`);
    }
  }
  return opened;
}

export function usedPath(key: string, task: TaskEntry): string | undefined {
  const { uses = '' } = task;
  if (uses === '' || posix.isAbsolute(uses) || uses.includes('\\') || uses.includes('\0')) return undefined;
  return posix.join(posix.dirname(key), uses);
}

/** Every `uses` that closes a circle. */
function recursions(main: string, opened: ReadonlyMap<string, Opened>): Problem[] {
  const problems: Problem[] = [];
  const done = new Set<string>();
  const path: { readonly key: string; readonly rest: [string, string][] }[] = [];
  const enter = (key: string) => path.push({ key, rest: [...(opened.get(key)?.uses ?? [])] });
  enter(main);
  for (let top = path.at(-1); top; top = path.at(-1)) {
    const next = top.rest.shift();
    if (!next) {
      done.add(top.key);
      path.pop();
      continue;
    }
    const [id, used] = next;
    const circle = path.findIndex(({ key }) => key === used);
    const source = opened.get(top.key)?.source;
    if (circle >= 0 && source) {
      const chain = [...path.slice(circle).map(({ key }) => key), used].join(' uses ');
      problems.push({
        file: top.key,
        ...source.at(['tasks', id, 'uses']),
        code: 'USES_RECURSION',
        message: `${chain}: a workflow can't use itself`,
      });
    } else if (!done.has(used)) enter(used);
  }
  return problems;
}

/** The value of a file, as far as its shape lets us know it; its problems join the others. */
function checked<T>(source: Source, schema: z.ZodType<T>, problems: Problem[]): Salvaged<T> | undefined {
  problems.push(...source.problems);
  if (source.value === undefined) return undefined;
  const { value, problems: wrong } = shaped(source, schema);
  if (wrong === undefined) return { value, damaged: new Set() };
  problems.push(...wrong);
  return salvage(source.value, schema);
}

export type SettingsResult =
  | {
      readonly ok: true;
      readonly value: SettingsFile;
      /** What is wrong with its rules of routing, once all agents are known. */
      readonly routingProblems: (agents: Iterable<string>) => readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function loadSettings(file: string, bytes: Uint8Array): SettingsResult {
  const problems: Problem[] = [];
  const source = readSource(file, bytes);
  if (source.value === null && source.problems.length === 0) return { ok: true, value: {}, routingProblems: () => [] };
  const salvaged = checked(source, settings, problems);
  const say: Say = (code, message, path, key) => problems.push({ file, ...(key ? source.atKey(path) : source.at(path)), code, message });
  checkLimits(salvaged?.value.limits, undefined, say);
  for (const [name, agent] of Object.entries(salvaged?.value.agents ?? {}))
    if (!salvaged?.damaged.has(`agents.${name}`)) checkAgentEntry(name, agent, ['agents', name], say);
  if (problems.length > 0 || !salvaged) return { ok: false, problems: sortProblems(problems) };
  const { value } = salvaged;
  return { ok: true, value, routingProblems: (agents) => routingProblems(source, value, agents) };
}
