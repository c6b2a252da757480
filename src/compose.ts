/**
 * The one place that names adapters and hands parts to each other. Importing it costs nothing: what a command needs is
 * loaded when it asks, since `baton status` may not pay for an engine.
 */
import { realpathSync } from 'node:fs';
import { findHome, homePaths } from './engine/journal/home.ts';
import { readOwner } from './engine/journal/owner-info.ts';
import type { BatonError } from './errors.ts';
import type { Opened, Parts } from './interfaces/cli/parts.ts';

export { version } from './compose/version.ts';

/** @param version of this package */
export function createParts(version: string): Parts {
  return {
    version,
    async locate(cwd, env) {
      const home = findHome(real(cwd), env);
      const owner = readOwner(homePaths(home));
      return owner ? { home, owner } : { home };
    },

    async openReader(options): Promise<Opened> {
      const [{ openReader }, { createApp }] = await Promise.all([import('./compose/reader.ts'), import('./interfaces/server/app.ts')]);
      const reader = await openReader(options);
      const app = createApp(reader.services);
      return {
        call: app.call,
        async close() {
          app.close();
          reader.close();
        },
      };
    },

    async openEngine(options): Promise<Opened> {
      const [{ openHome }, { createApp }] = await Promise.all([import('./compose/engine.ts'), import('./interfaces/server/app.ts')]);
      const opened = await openHome(options);
      const app = createApp(opened.services);
      return {
        call: app.call,
        async close() {
          app.close();
          await opened.close();
        },
      };
    },

    async serveHome({ idleMs, ...options }) {
      const [{ openHome }, { createApp }, { serve }, { createLog }, { logFacts }] = await Promise.all([
        import('./compose/engine.ts'),
        import('./interfaces/server/app.ts'),
        import('./interfaces/server/serve.ts'),
        import('./interfaces/observability/log.ts'),
        import('./interfaces/observability/fact-log.ts'),
      ]);
      const level = options.env['BATON_LOG_LEVEL'] ?? 'info';
      const log = createLog({ level, readable: process.stderr.isTTY === true, write: (text) => process.stderr.write(text) });
      const ended = new AbortController();
      const onFatal = (error: BatonError) => ended.abort(error.message);
      const opened = await openHome({ ...options, log: (message, fields) => log.info(fields, message), onFatal });
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended.abort(signal));
      const stop = opened.host.onFacts((facts) =>
        logFacts(
          log,
          facts.map(({ stored }) => stored),
          (run) => opened.host.state(run),
        ),
      );
      const app = createApp(opened.services, { onBug: (error) => log.error({ err: error }, 'a bug of ours') });
      log.info({ ...opened.recovered, home: options.home, epoch: opened.owner.journal.epoch }, 'owns the home');
      try {
        const why = await serve({
          app,
          services: opened.services,
          env: options.env,
          idleMs,
          signal: ended.signal,
          announce: opened.owner.announce,
        });
        log.info({ why }, 'leaves');
      } finally {
        stop();
        await opened.close();
      }
    },
  };
}

const real = (folder: string): string => {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
};
