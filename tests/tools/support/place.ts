/** A place for calls in a folder of its own: commands run for real and without walls, which only a test may do. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { KnowledgeStore } from '../../../src/work/knowledge/store.ts';
import { inheritedEnvironment } from '../../../src/work/policy/environment.ts';
import { runProcess } from '../../../src/work/processes/process.ts';
import { type Permission, ToolCaller } from '../../../src/work/tools/call.ts';
import { TOOLS } from '../../../src/work/tools/catalog.ts';
import { readBytes } from '../../../src/work/tools/files/access.ts';
import type { ExecCommand, ExecOptions, Executed, History, Tool, ToolPlace, ToolResult } from '../../../src/work/tools/tool.ts';

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

export const temporary = (name: string): string => {
  const folder = mkdtempSync(join(tmpdir(), `baton-${name}-`));
  made.push(folder);
  return folder;
};

export interface Executing {
  readonly command: ExecCommand;
  readonly options: ExecOptions;
}

export interface PlaceOptions {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** In place of running the command; may write `report` into the folder of reports. */
  readonly exec?: (executing: Executing, reports: string) => Partial<Executed> | Promise<Partial<Executed>>;
  readonly history?: History;
  readonly signal?: AbortSignal;
  readonly web?: ToolPlace['web'];
  readonly search?: ToolPlace['search'];
  readonly knowledge?: ToolPlace['knowledge'];
}

export interface TestPlace extends ToolPlace {
  readonly executed: readonly Executing[];
  readonly kept: ReadonlyMap<string, Uint8Array>;
  readonly logged: readonly string[];
}

const WRITER = { run: 'r', task: 't', attempt: 1 };

/** What the clock of a place says. */
export const NOW = Date.UTC(2030, 0, 2);

const NOTHING = { text: '', size: 0 };

export const placeIn = (options: PlaceOptions = {}): TestPlace => {
  const folder = temporary('tools');
  const reports = temporary('reports');
  for (const [path, content] of Object.entries(options.files ?? {})) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const executed: Executing[] = [];
  const kept = new Map<string, Uint8Array>();
  const logged: string[] = [];
  return {
    folder,
    inside: folder,
    executed,
    kept,
    logged,
    reports: { inside: reports, read: (name, bytesMax) => readBytes(reports, name, bytesMax).catch(() => undefined) },
    ...(options.history === undefined ? {} : { history: options.history }),
    web: options.web ?? { allow: [] },
    search: options.search ?? (async () => ({ content: [] })),
    knowledge: options.knowledge ?? new KnowledgeStore({ path: join(reports, 'knowledge.db'), now: () => NOW }).of('/project', WRITER),
    now: () => NOW,
    signal: options.signal ?? new AbortController().signal,
    put(payload) {
      const hash = createHash('sha256').update(payload).digest('hex');
      kept.set(hash, payload);
      return hash;
    },
    log: (chunk, kind) => logged.push(`${kind}: ${chunk}`),
    async exec(command, given) {
      executed.push({ command, options: given });
      if (options.exec !== undefined)
        return { exitCode: 0, stdout: NOTHING, stderr: NOTHING, ms: 1, ...(await options.exec({ command, options: given }, reports)) };
      const { cwd = '.', env, timeoutMs, signal } = given;
      return runProcess({
        run: command,
        cwd: join(folder, cwd),
        env: { ...inheritedEnvironment(process.env), ...env },
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(signal === undefined ? {} : { signal }),
        graceMs: 200,
      });
    },
  };
};

/** One call of a built-in tool, through the guarded path. */
export const call = (
  place: ToolPlace,
  name: string,
  input: unknown = {},
  more: { readonly tools?: ReadonlyMap<string, Tool>; readonly permit?: () => Permission } = {},
): Promise<ToolResult> => new ToolCaller({ tools: TOOLS, place, ...more }).call({ name, input });
