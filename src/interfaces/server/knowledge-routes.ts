/** What work keeps for later work, as people see it and add to it. */
import { BatonError } from '../../errors.ts';
import { readBody } from './body.ts';
import { engineOf } from './commands.ts';
import { numberOf } from './read-routes.ts';
import { get, json, post, type Route } from './route.ts';
import type { Services } from './services.ts';

const ENTRIES_DEFAULT = 50;
const ENTRIES_MAX = 1000;

export function knowledgeRoutes(services: Services): Route[] {
  return [
    get('/knowledge', async (asked) => {
      const knowledge = await services.knowledge(asked.query('cwd'));
      const limit = Math.min(numberOf(asked, 'limit') ?? ENTRIES_DEFAULT, ENTRIES_MAX);
      const words = asked.query('words');
      return json({ entries: words === undefined ? knowledge.list(limit) : knowledge.search(words, limit) });
    }),
    get('/knowledge/:entry', async (asked) => {
      const id = asked.param('entry');
      return json((await services.knowledge(asked.query('cwd'))).get(id) ?? refuse(id));
    }),
    post('/knowledge', async (asked) => {
      const { knowledge } = engineOf(services);
      const { cwd, ...entry } = await readBody(asked, 'keepRequest');
      return json(knowledge(cwd).put(entry));
    }),
    post('/knowledge/:entry/forget', async (asked) => {
      const { knowledge } = engineOf(services);
      const { cwd } = await readBody(asked, 'forgetRequest');
      const id = asked.param('entry');
      return json({ id, forgotten: knowledge(cwd).forget(id) || refuse(id) });
    }),
  ];
}

function refuse(id: string): never {
  throw new BatonError('KNOWLEDGE_UNKNOWN', `This project has no entry "${id}".`, {
    where: id,
    hint: 'See what there is: baton knowledge',
  });
}
