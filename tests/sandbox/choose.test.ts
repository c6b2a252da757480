// req S1: a sandbox is chosen by what its probe saw, and without one nothing runs.
import { describe, expect, it } from 'vitest';
import { createSandboxes, sandboxUser } from '../../src/work/sandbox/choose.ts';
import type { Sandbox } from '../../src/work/sandbox/sandbox.ts';

function candidate(name: Sandbox['name'], ok: () => boolean, says = 'fine') {
  const probed = { times: 0 };
  const sandbox: Sandbox = {
    name,
    async probe() {
      probed.times++;
      return { ok: ok(), says, leaks: ok() ? [] : ['LEAK_READ'], ms: 1 };
    },
    wrap: async () => {
      throw new Error('Nothing is started here.');
    },
  };
  return { sandbox, probed };
}

describe('the sandbox of this machine', () => {
  it('is the first whose probe passes; it is asked once, and those after it not at all', async () => {
    const [bad, good, other] = [
      candidate('bubblewrap', () => false),
      candidate('container', () => true),
      candidate('container', () => true),
    ];
    const sandboxes = createSandboxes({ env: {}, candidates: [bad.sandbox, good.sandbox, other.sandbox] });
    expect(await sandboxes.choose()).toBe(good.sandbox);
    expect(await sandboxes.choose()).toBe(good.sandbox);
    expect([bad, good, other].map(({ probed }) => probed.times)).toEqual([1, 1, 0]);
    expect((await sandboxes.probes()).map(({ probe }) => probe.ok)).toEqual([false, true, true]);
    expect([bad, good, other].map(({ probed }) => probed.times)).toEqual([1, 1, 1]);
  });

  it('is none where none holds: what each probe said is told, and what to install', async () => {
    const [a, b] = [
      candidate('bubblewrap', () => false, 'bwrap is not installed'),
      candidate('container', () => false, 'no daemon answers'),
    ];
    await expect(createSandboxes({ env: {}, candidates: [a.sandbox, b.sandbox] }).choose()).rejects.toMatchObject({
      code: 'SANDBOX_UNAVAILABLE',
      message: 'No sandbox works here. bubblewrap: bwrap is not installed. container: no daemon answers.',
      hint: expect.stringContaining('apt-get install bubblewrap'),
      details: { probes: [expect.objectContaining({ name: 'bubblewrap', leaks: ['LEAK_READ'] }), expect.anything()] },
    });
  });

  it('is found without a new start once it was installed', async () => {
    let installed = false;
    const { sandbox } = candidate('bubblewrap', () => installed);
    const sandboxes = createSandboxes({ env: {}, candidates: [sandbox] });
    await expect(sandboxes.choose()).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
    installed = true;
    expect(await sandboxes.choose()).toBe(sandbox);
  });
});

// req S3
describe('the user inside', () => {
  it('can be named by the environment', () => {
    expect(sandboxUser({})).toEqual({});
    expect(sandboxUser({ BATON_SANDBOX_UID: '' })).toEqual({});
    expect(sandboxUser({ BATON_SANDBOX_UID: '4711' })).toEqual({ uid: 4711 });
  });

  it.each(['0', '-1', 'root', '1.5', '65534'])('is never %s', (uid) => {
    expect(() => createSandboxes({ env: { BATON_SANDBOX_UID: uid } })).toThrowError(
      expect.objectContaining({ code: 'SANDBOX_USER', message: expect.stringContaining(`"${uid}"`) }),
    );
  });
});
