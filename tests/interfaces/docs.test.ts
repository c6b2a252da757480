import { readFileSync } from 'node:fs';
import { Hono } from 'hono/tiny';
import { expect, test } from 'vitest';
import { SPECS } from '../../src/interfaces/cli/specs.ts';
import { commandRoutes } from '../../src/interfaces/server/command-routes.ts';
import { homeRoutes } from '../../src/interfaces/server/home-routes.ts';
import { OutputLog } from '../../src/interfaces/server/output-log.ts';
import { readRoutes } from '../../src/interfaces/server/read-routes.ts';
import { fakeServices } from '../support/fake-services.ts';

const page = (name: string) => readFileSync(new URL(`../../docs/concepts/${name}.md`, import.meta.url), 'utf8');

// req F5
test('the page of the command line lists every command, in the words of its help', () => {
  const listed = [...page('command-line').matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(([, usage, about]) => [usage, about]);
  expect(listed).toEqual(SPECS.map(({ usage, about }) => [usage, about]));
});

test('the page of the API lists every route, and no other', async () => {
  const fake = fakeServices();
  const outputs = new OutputLog(fake.services.logs);
  const app = new Hono();
  for (const routes of [readRoutes(fake.services, outputs), homeRoutes(fake.services, outputs), commandRoutes(fake.services)])
    app.route('/v1', routes);
  const listed = [...page('api').matchAll(/^\| `((?:GET|POST) [^`]+)` /gm)].map(([, route]) => route);
  expect(listed.sort()).toEqual(app.routes.map(({ method, path }) => `${method} ${path}`).sort());
  await fake.close();
});
