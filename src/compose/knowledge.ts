/** Knowledge as the API shows it: the entries of a project, and a person as their writer. */
import { systemClock } from '../engine/host/clock.ts';
import type { KnowledgeEntry } from '../interfaces/api/shapes.ts';
import type { KnowledgeReader, KnowledgeWriter } from '../interfaces/server/services.ts';
import type { Entry, Found } from '../work/knowledge/knowledge.ts';
import { KnowledgeStore } from '../work/knowledge/store.ts';
import type { Redactor } from '../work/policy/redact.ts';
import { projectOf } from '../work/workflow/settings.ts';
import { localPrincipal } from './principal.ts';

/** Of a home that nobody owns. */
export const onlyRead = (path: string): KnowledgeStore => new KnowledgeStore({ path, now: systemClock.now, write: false });

/** @param folder of the project */
export function knowledgeReader(store: KnowledgeStore, folder: string): KnowledgeReader {
  const { list, search, get } = store.of(projectOf(folder), { person: localPrincipal().id });
  return {
    list: (max) => list(max).map(viewOf),
    search: (words, max) => search(words, max).map(viewOf),
    get(id) {
      const entry = get(id);
      return entry && viewOf(entry);
    },
  };
}

/** What is kept outlives every run, so no secret may get into it. */
export function knowledgeWriter(store: KnowledgeStore, folder: string, redactor: Redactor): KnowledgeWriter {
  const { put, forget } = store.of(projectOf(folder), { person: localPrincipal().id });
  return { put: (entry) => put(redactor.value(entry)), forget };
}

const viewOf = <E extends Entry | Found>({
  from,
  ...entry
}: E): Omit<E, 'from'> & Pick<KnowledgeEntry, 'by' | 'source' | 'at' | 'trusted'> => ({
  ...entry,
  ...from,
  at: Date.parse(from.at),
});
