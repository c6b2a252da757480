/** An engine in memory with tasks that do what the test says, and the API over it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedHost } from '../../src/engine/host/embedded.ts';
import type { AttemptContext } from '../../src/engine/host/host.ts';
import { foldRun } from '../../src/engine/journal/fold.ts';
import { MemoryJournal } from '../../src/engine/journal/memory.ts';
import type { Outcome } from '../../src/engine/kernel/commands.ts';
import type { Plan, TaskSpec } from '../../src/engine/kernel/plan.ts';
import { viewOf } from '../../src/engine/kernel/view.ts';
import { BatonError } from '../../src/errors.ts';
import type { KnowledgeEntry, RunRequest } from '../../src/interfaces/api/shapes.ts';
import { BatonClient } from '../../src/interfaces/client/client.ts';
import { fetchTransport } from '../../src/interfaces/client/fetch.ts';
import { type App, createApp } from '../../src/interfaces/server/app.ts';
import type { KnowledgeReader, KnowledgeWriter, Services } from '../../src/interfaces/server/services.ts';

export type Attempt = (context: AttemptContext) => Promise<Outcome>;

export interface Fake {
  readonly services: Services;
  readonly app: App;
  readonly client: BatonClient;
  readonly journal: MemoryJournal;
  readonly host: EmbeddedHost;
  /** Plans by the name of the file that asks for them. */
  readonly plans: Map<string, readonly TaskSpec[]>;
  readonly bugs: unknown[];
  task(id: string, more?: Partial<TaskSpec>): TaskSpec;
  /** The same home, read without an engine. */
  reader(): BatonClient;
  close(): Promise<void>;
}

export function fakeServices(
  attempt: Attempt = async ({ blobs }) => ({ ok: true, result: blobs.put('{"summary":"done"}') }),
  verdict: Promise<'pass' | 'fail'> = Promise.resolve('pass'),
): Fake {
  const journal = new MemoryJournal();
  const folder = mkdtempSync(join(tmpdir(), 'baton-fake-'));
  const host = new EmbeddedHost({
    journal,
    resolver: { resolve: () => ({ to: 'skip' }) },
    handlers: {
      attempt: (_owed, context) => attempt(context),
      gate: async () => ({ verdict: await verdict, evidence: journal.put('{}') }),
      probe: async () => ({ verdict: 'unknown' }),
      notify: async () => {},
    },
  });
  const knowledge = fakeKnowledge();
  const plans = new Map<string, readonly TaskSpec[]>();
  const state = (run: string) => host.state(run) ?? foldRun(journal, run)?.state;
  const all = () =>
    [...journal.heads()]
      .filter(({ stream }) => stream !== 'grants')
      .flatMap(({ stream }) => state(stream) ?? [])
      .map(viewOf)
      .sort((a, b) => b.submittedAt - a.submittedAt);
  const prepare = async ({ file }: RunRequest): Promise<Plan> => {
    const tasks = plans.get(file);
    if (!tasks) throw new BatonError('FILE_NOT_FOUND', `${file} does not exist.`, { where: file });
    return { name: file.slice(1), source: journal.put(file), tasks, limits: { tasks: 1000, depth: 4 } };
  };
  const services: Services = {
    version: '0.0.0-test',
    home: folder,
    logs: join(folder, 'logs'),
    journal,
    views: {
      list: ({ limit = 100, open = false } = {}) =>
        all()
          .filter((view) => !open || view.endedAt === undefined)
          .slice(0, limit),
      view: (run) => all().find((view) => view.run === run),
    },
    state,
    grants: () => host.grants(),
    contracts: async (_project, paths) => paths.filter((path) => path.startsWith('api/')),
    workflows: {
      prepare,
      plan: async (request) => {
        const { name, tasks, limits } = await prepare(request);
        return {
          name,
          file: request.file,
          inputs: {},
          limits,
          refused: [],
          warnings: [],
          turns: [],
          estimate: {
            ...{ tasks: tasks.length, byAgents: 0, widest: 0, criticalPath: [], approvals: [], writes: [] },
            ...{ costUsd: { low: 0, high: 0, unknown: [] }, timeMs: { low: 0, high: 0, unknown: [] } },
          },
          tasks: tasks.map(({ id, needs }) => ({ id, kind: 'run', needs, gates: [], writes: [] })),
        };
      },
      change: async () => ({ type: 'plan.change', add: [] }),
    },
    texts: async () => ({
      task: (_state, { spec }) => ({ text: `what ${spec.id} is` }),
      handoff: (_state, { result }) => (result === undefined ? undefined : JSON.parse(Buffer.from(journal.get(result) ?? '').toString())),
      payload: (hash) => Buffer.from(journal.get(hash) ?? '').toString(),
    }),
    agents: async () => [{ name: 'writer', kind: 'scripted', capabilities: ['text'], slots: 1 }],
    replay: async () => ({ tasks: 0, earlier: 0, learn: true, named: 0, moved: 0, unknown: 0, nobody: 0 }),
    checks: async () => [{ part: 'agents', well: true, says: 'writer' }],
    settings: async () => [{ name: 'slots', value: 64, source: 'default' }],
    trees: { diff: async () => ({ changes: [], patch: '' }), workspaces: async () => [] },
    knowledge: async () => knowledge,
    local: { id: 'ann', roles: ['approver'] },
    engine: {
      host,
      startedAt: 0,
      decided: (_run, _task, decision, by) => journal.put(JSON.stringify({ decision, by: by.id })),
      answered: (_run, _task, answer) => journal.put(JSON.stringify({ answer })),
      feedback: (text) => journal.put(text),
      happened: (_run, _task, outputs) => journal.put(JSON.stringify({ outputs })),
      remove: async (runs) => ({ runs, ...journal.remove(runs), workspaces: 0, workspaceBytes: 0, stores: 0 }),
      knowledge: () => knowledge,
    },
  };
  const bugs: unknown[] = [];
  const app = createApp(services, { onBug: (error) => bugs.push(error) });
  return {
    services,
    app,
    client: new BatonClient({ transport: fetchTransport('http://baton', app.fetch) }),
    journal,
    host,
    plans,
    bugs,
    task: (id, more = {}) => ({ id, kind: 'work', needs: [], work: journal.put(JSON.stringify({ id })), agent: 'writer', ...more }),
    reader() {
      const { engine: _, ...rest } = services;
      return new BatonClient({ transport: createApp({ ...rest, state: (run) => foldRun(journal, run)?.state }).call });
    },
    async close() {
      app.close();
      await host.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves when `look` gives something. */
export async function until<T>(look: () => Promise<T | undefined | false> | T | undefined | false, patienceMs = 10_000): Promise<T> {
  for (const end = Date.now() + patienceMs; ; ) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`not within ${patienceMs} ms: ${look}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** One project, and words that are found where they stand as they are. */
function fakeKnowledge(): KnowledgeReader & KnowledgeWriter {
  const entries = new Map<string, KnowledgeEntry>();
  const summaries = () => [...entries.values()].reverse().map(({ text, ...rest }) => ({ ...rest, snippet: text }));
  return {
    list: (max) => summaries().slice(0, max),
    search: (words, max) =>
      summaries()
        .filter(({ snippet }) => snippet.includes(words))
        .slice(0, max),
    get: (id) => entries.get(id),
    put({ text, title = '', tags = [], source }) {
      const id = `k${text.length}`;
      const isNew = !entries.has(id);
      entries.set(id, { id, title, tags, text, by: { person: 'ann' }, ...(source === undefined ? {} : { source }), at: 0, trusted: true });
      return { id, isNew };
    },
    forget: (id) => entries.delete(id),
  };
}
