import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SPECS } from '../../src/interfaces/cli/specs.ts';
import { fakeServices } from '../support/fake-services.ts';

const page = (name: string) => readFileSync(new URL(`../../docs/concepts/${name}.md`, import.meta.url), 'utf8');

// req F5
test('the page of the command line lists every command, in the words of its help', () => {
  const listed = [...page('command-line').matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(([, usage, about]) => [usage, about]);
  expect(listed).toEqual(SPECS.map(({ usage, about }) => [usage, about]));
});

test('the page of the API lists every route, and no other', async () => {
  const fake = fakeServices();
  const listed = [...page('api').matchAll(/^\| `((?:GET|POST) [^`]+)` /gm)].map(([, route]) => route);
  expect(listed.sort()).toEqual(fake.app.routes.map(({ method, path }) => `${method} ${path}`).sort());
  await fake.close();
});
