/**
 * The API: one protocol for the command line, programs and the dashboard. The same app answers on a socket and inside
 * the command that opened it.
 */

import { bodyLimit } from 'hono/body-limit';
import { Hono } from 'hono/tiny';
import { BatonError } from '../../errors.ts';
import { commandRoutes } from './command-routes.ts';
import { homeRoutes } from './home-routes.ts';
import { OutputLog } from './output-log.ts';
import { problemResponse } from './problem.ts';
import { readRoutes } from './read-routes.ts';
import type { Services } from './services.ts';

/** Largest body of a request, in bytes: 4 MiB. */
export const BODY_MAX = 4 * 1024 * 1024;

export interface App {
  fetch(request: Request): Response | Promise<Response>;
  /** Stops taking live output. */
  close(): void;
}

export interface AppOptions {
  /** Told of errors that are no answer to anybody: our bugs. May not throw. */
  readonly onBug?: (error: unknown) => void;
}

export function createApp(services: Services, { onBug = () => {} }: AppOptions = {}): App {
  const outputs = new OutputLog(services.logs);
  const end = services.engine?.host.onLog((chunk) => outputs.write(chunk, Date.now()));
  const app = new Hono();
  app.onError((error) => problemResponse(error, onBug));
  app.notFound((c) =>
    problemResponse(new BatonError('NOT_FOUND', `There is nothing at ${c.req.method} ${c.req.path}.`, { where: c.req.path }), onBug),
  );
  app.use(async (c, next) => {
    // Pages of a browser always name themselves on requests that change something; none of them is a client.
    if (c.req.header('origin') !== undefined) throw new BatonError('FOREIGN_ORIGIN', 'Requests of web pages are not answered here.');
    await next();
    c.res.headers.set('baton-version', services.version);
  });
  app.use(bodyLimit({ maxSize: BODY_MAX, onError: tooLarge }));
  app.route('/v1', readRoutes(services, outputs));
  app.route('/v1', homeRoutes(services, outputs));
  app.route('/v1', commandRoutes(services));
  return { fetch: (request) => app.fetch(request), close: () => end?.() };
}

function tooLarge(): never {
  throw new BatonError('BODY_TOO_LARGE', `A request may have ${BODY_MAX} bytes at most.`, {
    hint: 'Give large values to a task as a file.',
  });
}
