/**
 * The API: one protocol for the command line, programs and the dashboard. The same routes answer on a socket and inside
 * the command that opened the home.
 */
import type { Answer, Call } from '../api/call.ts';
import { callRoute } from './call.ts';
import { commandRoutes } from './command-routes.ts';
import { homeRoutes } from './home-routes.ts';
import { knowledgeRoutes } from './knowledge-routes.ts';
import { OutputLog } from './output-log.ts';
import { readRoutes } from './read-routes.ts';
import type { Route } from './route.ts';
import type { Services } from './services.ts';
import { treeRoutes } from './tree-routes.ts';

export interface App {
  readonly routes: readonly Route[];
  /** Inside this process. @throws BatonError what an answer over HTTP would say */
  call(call: Call): Promise<Answer>;
  /** Over HTTP. */
  fetch(request: Request): Promise<Response>;
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
  const routes = [
    ...readRoutes(services, outputs),
    ...homeRoutes(services, outputs),
    ...knowledgeRoutes(services),
    ...commandRoutes(services),
    ...treeRoutes(services),
  ];
  // Loaded with the first request over HTTP: a command that only reads has none.
  let http: Promise<{ fetch(request: Request): Response | Promise<Response> }> | undefined;
  return {
    routes,
    call: (call) => callRoute(routes, call),
    async fetch(request) {
      http ??= import('./http.ts').then(({ createHttp }) => createHttp(routes, services.version, onBug));
      return (await http).fetch(request);
    },
    close: () => end?.(),
  };
}
