/** All peers, ready to be measured, and those that could not be made ready, with the reason. */
import type { Entrant } from '../entrant.ts';
import { dbos } from './dbos/peer.ts';
import { langgraph } from './langgraph/peer.ts';
import { Postgres } from './postgres.ts';
import { restate } from './restate/peer.ts';

export interface Missing {
  readonly name: string;
  readonly why: string;
}

export interface Peers {
  readonly entrants: readonly Entrant[];
  readonly missing: readonly Missing[];
  readonly postgres: string | undefined;
  stop(): Promise<void>;
}

/**
 * @param cache where they are installed
 * @param base where their data lie, on the disk that is measured
 */
export async function openPeers(cache: string, base: string): Promise<Peers> {
  const missing: Missing[] = [];
  const attempt = async <T>(name: string, make: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await make();
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      missing.push({ name, why: said.trim().split('\n').slice(0, 3).join(' ') });
      return undefined;
    }
  };
  const postgres = await attempt('PostgreSQL', () => Postgres.start(base));
  const found = [
    await attempt('Restate', () => restate(cache)),
    postgres && (await attempt('DBOS, PostgreSQL', () => dbos(cache, postgres))),
    await attempt('LangGraph.js, SQLite FULL', () => langgraph(cache, 'FULL')),
    postgres && (await attempt('LangGraph.js, PostgreSQL', () => langgraph(cache, postgres))),
    await attempt('LangGraph.js, SQLite as shipped', () => langgraph(cache, 'as shipped')),
  ];
  const entrants = found.filter((each) => each !== undefined);
  return {
    entrants,
    missing,
    postgres: postgres?.version,
    async stop() {
      for (const each of entrants) await each.stop();
      await postgres?.stop();
    },
  };
}
