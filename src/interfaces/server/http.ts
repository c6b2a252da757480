/** The API over HTTP: the routes in Hono, errors as problem details, and what may not come in. */
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { BatonError } from '../../errors.ts';
import { notFound } from './call.ts';
import { problemResponse } from './problem.ts';
import type { Asked, Given, Route } from './route.ts';

/** Largest body of a request, in bytes: 4 MiB. */
export const BODY_MAX = 4 * 1024 * 1024;

/** @param onBug told of errors that are no answer to anybody: our bugs */
export function createHttp(routes: readonly Route[], version: string, onBug: (error: unknown) => void): Hono {
  const app = new Hono();
  app.onError((error) => problemResponse(error, onBug));
  app.notFound((c) => problemResponse(notFound(c.req.method, c.req.path), onBug));
  app.use(async (c, next) => {
    // Pages of a browser always name themselves on requests that change something; none of them is a client.
    if (c.req.header('origin') !== undefined) throw new BatonError('FOREIGN_ORIGIN', 'Requests of web pages are not answered here.');
    await next();
    c.res.headers.set('baton-version', version);
  });
  app.use(bodyLimit({ maxSize: BODY_MAX, onError: tooLarge }));
  for (const { method, path, answer } of routes) app.on(method, path, async (c) => responseOf(c, await answer(askedOf(c))));
  return app;
}

const askedOf = (c: Context): Asked => ({
  path: c.req.path,
  param: (name) => c.req.param(name) ?? '',
  query: (name) => c.req.query(name),
  header: (name) => c.req.header(name),
  body: () => c.req.text(),
});

const responseOf = (c: Context, given: Given): Response =>
  'stream' in given
    ? c.body(given.stream, 200, { 'content-type': given.type, 'cache-control': 'no-store' })
    : c.json(given.json, 200, { ...given.headers });

function tooLarge(): never {
  throw new BatonError('BODY_TOO_LARGE', `A request may have ${BODY_MAX} bytes at most.`, {
    hint: 'Give large values to a task as a file.',
  });
}
