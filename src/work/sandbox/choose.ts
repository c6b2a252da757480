/** The sandbox of this machine: the first in order whose walls hold when they are tried. */
import { BatonError } from '../../errors.ts';
import { createBubblewrap } from './bubblewrap.ts';
import { createContainer } from './container.ts';
import type { Probe, Sandbox, Sandboxes } from './sandbox.ts';

export interface SandboxesOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In order of preference. */
  readonly candidates?: readonly Sandbox[];
}

/** Whom the sandbox works as, when Baton is root. */
const UID_VARIABLE = 'BATON_SANDBOX_UID';

export function createSandboxes({ env, candidates = candidatesOf(env) }: SandboxesOptions): Sandboxes {
  let probed: Promise<readonly { readonly sandbox: Sandbox; readonly probe: Probe }[]> | undefined;
  const probes = () => {
    probed ??= Promise.all(candidates.map(async (sandbox) => ({ sandbox, probe: await sandbox.probe() })));
    return probed;
  };
  return {
    probes,
    async choose() {
      const all = await probes();
      const found = all.find(({ probe }) => probe.ok);
      if (found) return found.sandbox;
      // Whoever installs one need not start anew.
      probed = undefined;
      throw new BatonError(
        'SANDBOX_UNAVAILABLE',
        `No sandbox works here. ${all.map(({ sandbox, probe }) => `${sandbox.name}: ${probe.says}`).join('. ')}.`,
        {
          hint: 'Install bubblewrap, or start docker or podman. What an agent runs is never run without one.',
        },
      );
    },
  };
}

function candidatesOf(env: Readonly<Record<string, string | undefined>>): readonly Sandbox[] {
  const uid = Number(env[UID_VARIABLE]);
  const own = Number.isInteger(uid) && uid > 0 ? { uid } : {};
  return [createBubblewrap(own), createContainer(own)];
}
