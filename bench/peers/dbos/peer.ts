import type { Entrant } from '../../entrant.ts';
import { install } from '../install.ts';
import type { Postgres } from '../postgres.ts';

export async function dbos(cache: string, postgres: Postgres): Promise<Entrant> {
  const installed = await install(cache, 'dbos');
  let env = {};
  return {
    name: 'DBOS, PostgreSQL',
    version: installed.version('@dbos-inc/dbos-sdk'),
    durable: true,
    promises: 'a step’s result is committed before the next; workflows go on by themselves',
    script: installed.script,
    async fresh() {
      const address = postgres.fresh('bench_dbos');
      env = { DATABASE_URL: address, SERVER_PIDS: postgres.processes().join(' ') };
      return env;
    },
    // Its database would be on another machine, and stays.
    crash: async () => {},
    restart: async () => env,
    stop: async () => {},
  };
}
