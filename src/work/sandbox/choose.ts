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
/** Everybody inside is nobody; outside that one has files of others. */
const UID_MAX = 65_533;

/** @throws BatonError `SANDBOX_USER` when the environment names somebody it can't be */
export function createSandboxes({ env, candidates = candidatesOf(env) }: SandboxesOptions): Sandboxes {
  const probed = new Map<Sandbox, Promise<Probe>>();
  const probe = async (sandbox: Sandbox) => {
    const result = probed.get(sandbox) ?? sandbox.probe();
    probed.set(sandbox, result);
    return { sandbox, probe: await result };
  };
  return {
    probes: () => Promise.all(candidates.map(probe)),
    async choose() {
      const all: Awaited<ReturnType<typeof probe>>[] = [];
      for (const sandbox of candidates) {
        const each = await probe(sandbox);
        if (each.probe.ok) return sandbox;
        all.push(each);
      }
      // Whoever installs one need not start anew.
      probed.clear();
      const said = all.map(({ sandbox, probe: { says } }) => `${sandbox.name}: ${says}`).join('. ');
      throw new BatonError('SANDBOX_UNAVAILABLE', `No sandbox works here. ${said}.`, {
        hint: 'Install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap), or start docker or podman. What an agent runs is never run without one.',
        details: { probes: all.map(({ sandbox: { name }, probe: { says, leaks } }) => ({ name, says, leaks })) },
      });
    },
  };
}

function candidatesOf(env: Readonly<Record<string, string | undefined>>): readonly Sandbox[] {
  const own = sandboxUser(env);
  return [createBubblewrap(own), createContainer(own)];
}

/**
 * Another user than the default one, where the environment names it.
 * @throws BatonError `SANDBOX_USER`
 */
export function sandboxUser(env: Readonly<Record<string, string | undefined>>): { readonly uid?: number } {
  const given = env[UID_VARIABLE];
  if (given === undefined || given === '') return {};
  const uid = Number(given);
  if (Number.isInteger(uid) && uid > 0 && uid <= UID_MAX) return { uid };
  throw new BatonError('SANDBOX_USER', `${UID_VARIABLE} is "${given}"; it is the number of a user, from 1 to ${UID_MAX}.`, {
    where: UID_VARIABLE,
    hint: 'Name a user who has no files of their own, or leave it out. The sandbox never works as root.',
  });
}
