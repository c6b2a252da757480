// DBOS Transact: each step's result is a row in PostgreSQL before the workflow goes on.
import { DBOS } from '@dbos-inc/dbos-sdk';
import { drive } from '../../child/drive.ts';

await drive(async (_job, perform) => {
  const step = (n) => DBOS.runStep(async () => perform(DBOS.workflowID, n), { name: `s${n}` });
  const chain = DBOS.registerWorkflow(
    async (steps) => {
      for (let n = 0; n < steps; n++) await step(n);
    },
    { name: 'chain' },
  );
  const fan = DBOS.registerWorkflow(
    async (width) => {
      await Promise.all(Array.from({ length: width }, (_, n) => step(n)));
      await DBOS.runStep(async () => undefined, { name: 'join' });
    },
    { name: 'fan' },
  );
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: process.env.DATABASE_URL,
    logLevel: 'error',
    // What recovers is what was interrupted by the same version.
    applicationVersion: '1',
    systemDatabasePoolSize: 20,
  });
  await DBOS.launch();
  // The same id twice is one workflow, so this also waits for those that launch() has taken up again.
  const finish = async (workflow, id, size) => (await DBOS.startWorkflow(workflow, { workflowID: id })(size)).getResult();
  return {
    run: (id, steps) => finish(chain, id, steps),
    fan: (id, width) => finish(fan, id, width),
    resume: (ids, steps) => Promise.all(ids.map((id) => finish(chain, id, steps))),
    processes: () => (process.env.SERVER_PIDS ?? '').split(' ').filter(Boolean).map(Number),
    close: () => DBOS.shutdown(),
  };
});
