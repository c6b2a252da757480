import { BatonError } from '../../../errors.ts';
import { EXIT, type Machine } from '../context.ts';
import { OWNED } from '../start-owner.ts';

const IDLE_MS = 60_000;

/** Owns the home until nothing is left to do. Its output is the log. */
export async function serveHome({ parts, cwd, env }: Machine, { home }: { readonly home?: string }): Promise<number> {
  const own = home === undefined ? env : { ...env, BATON_HOME: home };
  const located = await parts.locate(cwd, own);
  const idleMs = Number(env['BATON_IDLE_MS'] ?? IDLE_MS);
  // A terminal that is closed means nothing to a process of the background.
  process.on('SIGHUP', () => {});
  try {
    await parts.serveHome({ home: located.home, cwd, env: own, idleMs: Number.isFinite(idleMs) && idleMs > 0 ? idleMs : IDLE_MS });
    return EXIT.done;
  } catch (error) {
    if (error instanceof BatonError && error.code === 'HOME_OWNED') return OWNED;
    throw error;
  }
}
