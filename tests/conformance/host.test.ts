// req K3, K4, K5, K6, K7, K11, K12, K18
import { describe, expect, it } from 'vitest';
import { EmbeddedHost } from '../../src/engine/host/embedded.ts';
import type { Handlers } from '../../src/engine/host/host.ts';
import { MemoryDisk, MemoryJournal } from '../../src/engine/journal/memory.ts';
import { type HostWorld, hostConformance } from '../../src/testing/host-conformance.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';

const never: Handlers = {
  attempt: () => new Promise(() => {}),
  gate: () => new Promise(() => {}),
  probe: () => new Promise(() => {}),
  notify: async () => {},
};

function memoryWorld(): HostWorld & { journal: () => MemoryJournal } {
  const clock = new VirtualClock();
  const disk = new MemoryDisk();
  let journal = new MemoryJournal(disk);
  return {
    clock,
    journal: () => journal,
    async start({ handlers, resolver = { resolve: () => ({ to: 'skip' }) }, ...options }) {
      journal = new MemoryJournal(disk);
      const host = new EmbeddedHost({ journal, clock, resolver, handlers: { ...never, ...handlers }, ...options });
      await host.recover();
      await clock.settle();
      return host;
    },
    // The next journal has a later epoch, so whatever the old host still does is refused.
    crash: () => void new MemoryJournal(disk),
    put: (payload) => journal.put(payload),
    facts: (run) => [...journal.read(run)].map((stored) => stored.fact),
    failNextCommit() {
      journal.failNext = 1;
    },
  };
}

hostConformance('embedded host in memory', memoryWorld, { describe, it, expect });

it('fences a former owner that wakes up: its results change nothing', async () => {
  const world = memoryWorld();
  let finish: (() => void) | undefined;
  const errors: string[] = [];
  const journal = world.journal();
  const old = new EmbeddedHost({
    journal,
    clock: world.clock,
    resolver: { resolve: () => ({ to: 'skip' }) },
    handlers: {
      ...never,
      attempt: () =>
        new Promise((resolve) => {
          finish = () => resolve({ ok: true, result: journal.put('{}') });
        }),
    },
    onFatal: (error) => errors.push(error.code),
  });
  const task = { id: 'a', kind: 'work' as const, needs: [], work: journal.put('{}'), agent: 'x' };
  await old.submit('r', {
    type: 'run.create',
    by: { id: 'me', roles: [] },
    plan: { name: 'p', source: journal.put('{}'), limits: { tasks: 9, depth: 1 }, tasks: [task] },
  });
  await world.clock.settle();
  const host = await world.start({ handlers: {} });
  finish?.();
  await world.clock.settle(20);
  expect(errors).toEqual(['STALE_WRITER']);
  expect(host.state('r')?.tasks.get('a')?.status).toBe('undecided');
  await expect(old.submit('r', { type: 'run.cancel', by: { id: 'me', roles: [] } })).rejects.toMatchObject({ code: 'STALE_WRITER' });
});
