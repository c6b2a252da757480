import type { Entrant, Env } from '../../entrant.ts';
import { install } from '../install.ts';
import type { Postgres } from '../postgres.ts';

type Saver = 'as shipped' | 'FULL' | Postgres;

/** @param saver SQLite as shipped (`synchronous=NORMAL`), SQLite forced to `FULL`, or PostgreSQL */
export async function langgraph(cache: string, saver: Saver): Promise<Entrant> {
  const installed = await install(cache, 'langgraph');
  const sqlite = typeof saver === 'string';
  let env: Env = {};
  return {
    name: `LangGraph.js, ${sqlite ? `SQLite ${saver}` : 'PostgreSQL'}`,
    version: installed.version('@langchain/langgraph'),
    durable: saver === 'as shipped' ? 'no: synchronous=NORMAL, steps can be lost when the machine fails' : true,
    promises: 'a checkpoint after each superstep; somebody has to invoke each interrupted thread again',
    script: installed.script,
    async fresh() {
      if (sqlite) env = { SAVER: 'sqlite', ...(saver === 'FULL' ? { SYNCHRONOUS: 'FULL' } : {}) };
      else env = { SAVER: 'postgres', DATABASE_URL: saver.fresh('bench_langgraph'), SERVER_PIDS: saver.processes().join(' ') };
      return env;
    },
    crash: async () => {},
    restart: async () => env,
    stop: async () => {},
  };
}
