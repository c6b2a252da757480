// Restate: its server, one node with its defaults, and this process as the service. A step is ctx.run.
import http from 'node:http';
import * as restate from '@restatedev/restate-sdk';
import { drive } from '../../child/drive.ts';

const { INGRESS, ADMIN, SERVICE_PORT, SERVER_PIDS = '' } = process.env;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1_024 });

/** @returns status and text of the answer */
const ask = (method, url, body) =>
  new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const request = http.request(url, { method, agent, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });

const must = async (answer) => {
  const { status, text } = await answer;
  if (status >= 300) throw new Error(`${status} ${text}`);
};

await drive(async (job, perform) => {
  const bench = restate.workflow({
    name: 'bench',
    handlers: {
      run: async (context, { steps, width }) => {
        const step = (n) => context.run(`s${n}`, async () => perform(context.key, n));
        for (let n = 0; n < (steps ?? 0); n++) await step(n);
        if (width === undefined) return;
        await restate.RestatePromise.all(Array.from({ length: width }, (_, n) => step(n)));
        await context.run('join', async () => undefined);
      },
    },
  });
  await restate.serve({ services: [bench], port: Number(SERVICE_PORT) });
  if (job.workload !== 'resume') await must(ask('POST', `${ADMIN}/deployments`, { uri: `http://127.0.0.1:${SERVICE_PORT}`, force: true }));
  const run = (id, input) => must(ask('POST', `${INGRESS}/bench/${id}/run`, input));
  return {
    run: (id, steps) => run(id, { steps }),
    fan: (id, width) => run(id, { width }),
    async resume(ids, steps) {
      await Promise.all(
        ids.map(async (id) => {
          const { status, text } = await ask('GET', `${INGRESS}/restate/workflow/bench/${id}/attach`);
          if (status === 404) await run(id, { steps });
          else if (status >= 300) throw new Error(`${id}: ${status} ${text}`);
        }),
      );
    },
    processes: () => SERVER_PIDS.split(' ').filter(Boolean).map(Number),
    close: async () => agent.destroy(),
  };
});
