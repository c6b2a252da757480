/**
 * A home that is only read: the stored facts, folded here. Nothing is written, also where there is no home yet. What the
 * work floor can tell is loaded when somebody asks, since `baton status` may not pay for it.
 */
import { existsSync } from 'node:fs';
import { systemClock } from '../engine/host/clock.ts';
import { foldGrants, foldRun } from '../engine/journal/fold.ts';
import { homePaths } from '../engine/journal/home.ts';
import type { Journal } from '../engine/journal/journal.ts';
import { MemoryJournal } from '../engine/journal/memory.ts';
import { ReadModel } from '../engine/journal/read-model.ts';
import { SqliteJournal } from '../engine/journal/sqlite.ts';
import type { Services, Views } from '../interfaces/server/services.ts';
import type { KnowledgeStore } from '../work/knowledge/store.ts';
import type { HomeOptions } from './engine.ts';
import type { Learning } from './learning.ts';
import { homeIdOf, workPlacesOf } from './places.ts';
import { localPrincipal } from './principal.ts';
import { version } from './version.ts';

export async function openReader(options: HomeOptions): Promise<{ readonly services: Services; close(): void }> {
  const paths = homePaths(options.home);
  const { journal, views } = existsSync(paths.journal) ? stored(paths) : nothing();
  // Payloads that a check of a file makes are nobody's: they stay in memory.
  const scratch = new MemoryJournal();
  const blobs: Pick<Journal, 'put' | 'get'> = { put: (payload) => scratch.put(payload), get: (hash) => journal.get(hash) };
  let loaded: Promise<ReturnType<typeof import('./engine.ts')['floorServices']>> | undefined;
  const floor = () => {
    loaded ??= Promise.all([import('./engine.ts'), import('./learning.ts'), import('./routing.ts')]).then(
      ([{ floorServices }, { Learning }, { routeOptions }]) => {
        learning = new Learning({ path: paths.learned, journal, write: false });
        // Breakers are of the process that carries out runs.
        const told = { breakers: { states: () => [] }, learning, now: systemClock.now() };
        return floorServices(options, blobs, { journal, learning, routing: (settings) => routeOptions({ settings, ...told }) });
      },
    );
    return loaded;
  };
  let learning: Learning | undefined;
  let knowledge: KnowledgeStore | undefined;
  const trees = async () => {
    const { noTrees, treeService } = await import('./repositories.ts');
    return existsSync(options.home) ? treeService(workPlacesOf(paths, homeIdOf(options.home))) : noTrees;
  };
  return {
    services: {
      version: version(),
      home: options.home,
      logs: paths.logs,
      journal,
      views,
      state: (run) => foldRun(journal, run)?.state,
      grants: () => foldGrants(journal),
      local: localPrincipal(),
      workflows: {
        plan: async (request) => (await floor()).workflows.plan(request),
        prepare: async (request) => (await floor()).workflows.prepare(request),
        change: async (state, change) => (await floor()).workflows.change(state, change),
      },
      texts: async () => (await floor()).texts(),
      agents: async (cwd) => (await floor()).agents(cwd),
      replay: async (cwd) => (await floor()).replay(cwd),
      checks: async (cwd) => (await floor()).checks(cwd),
      settings: async (cwd) => (await floor()).settings(cwd),
      contracts: async (...asked) => (await floor()).contracts(...asked),
      async knowledge(cwd = options.cwd) {
        const { knowledgeReader, onlyRead } = await import('./knowledge.ts');
        knowledge ??= onlyRead(paths.knowledge);
        return knowledgeReader(knowledge, cwd);
      },
      trees: { diff: async (...asked) => (await trees()).diff(...asked), workspaces: async () => (await trees()).workspaces() },
    },
    close() {
      knowledge?.close();
      learning?.close();
      journal.close();
    },
  };
}

function stored(paths: ReturnType<typeof homePaths>): { journal: Journal; views: Views } {
  const journal = new SqliteJournal(paths, { write: false });
  return { journal, views: new ReadModel(journal) };
}

const nothing = (): { journal: Journal; views: Views } => ({
  journal: new MemoryJournal(),
  views: { list: () => [], view: () => undefined },
});
