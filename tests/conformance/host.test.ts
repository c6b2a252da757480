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

interface Kinds {
  readonly Journal: new (disk: MemoryDisk) => MemoryJournal;
  readonly Host: typeof EmbeddedHost;
}

function memoryWorld(
  { Journal, Host }: Kinds = { Journal: MemoryJournal, Host: EmbeddedHost },
): HostWorld & { journal: () => MemoryJournal } {
  const clock = new VirtualClock();
  const disk = new MemoryDisk();
  let journal = new Journal(disk);
  return {
    clock,
    journal: () => journal,
    async start({ handlers, resolver = { resolve: () => ({ to: 'skip' }) }, ...options }) {
      journal = new Journal(disk);
      const host = new Host({ journal, clock, resolver, handlers: { ...never, ...handlers }, ...options });
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

/** Each commit is under way for a turn of the event loop. */
class SlowJournal extends MemoryJournal {
  override slow = true;
  override appendSoon(...asked: Parameters<MemoryJournal['appendSoon']>): boolean {
    setImmediate(() => this.writeNext());
    return super.appendSoon(...asked);
  }
}
class EagerHost extends EmbeddedHost {
  protected override readonly factsBeside = 1;
}
const slowWorld = () => memoryWorld({ Journal: SlowJournal, Host: EagerHost });

hostConformance('embedded host with commits under way', slowWorld, { describe, it, expect });

describe('while a commit is under way', () => {
  const by = { id: 'me', roles: [] };
  const create = (journal: MemoryJournal, kind: 'work' | 'question' = 'question') => {
    const task = { id: 'a', kind, needs: [], work: journal.put('{}'), agent: 'x' };
    const plan = { name: 'p', source: journal.put('{}'), limits: { tasks: 9, depth: 1 }, tasks: [task] };
    return { type: 'run.create', by, plan, ref: { id: 'c-1', args: 'a' } } as const;
  };
  /** The journal writes when it is told to. */
  async function held() {
    const world = memoryWorld({ Journal: MemoryJournal, Host: EagerHost });
    const host = await world.start({ handlers: {} });
    const journal = world.journal();
    journal.slow = true;
    return { world, host, journal };
  }

  it('a repeated command is answered when its first is durable, and refused with it', async () => {
    const { world, host, journal } = await held();
    const answers: string[] = [];
    const ask = (name: string) =>
      host.submit('r', create(journal)).then(
        (reply) => answers.push(`${name} ${reply.ok && reply.seq}`),
        (error) => answers.push(`${name} ${error.code}`),
      );
    void ask('first');
    await world.clock.settle();
    void ask('again');
    await world.clock.settle();
    expect([answers, journal.pending]).toEqual([[], 1]);
    journal.failNext = 1;
    journal.writeNext();
    await world.clock.settle();
    expect(answers).toEqual(['first DISK_FULL', 'again DISK_FULL']);
    expect(world.facts('r')).toEqual([]);
  });

  it('whoever looks at a run waits for what is under way', async () => {
    const { world, host, journal } = await held();
    void host.submit('r', create(journal));
    await world.clock.settle();
    expect([journal.pending, world.facts('r')]).toEqual([1, []]);
    expect(host.state('r')?.seq).toBe(world.facts('r').length);
    expect(journal.pending).toBe(0);
  });

  it('no run leaves memory before its end is durable', async () => {
    const { world, host, journal } = await held();
    journal.slow = false;
    const runs = Array.from({ length: 70 }, (_, i) => `r${i}`);
    for (const run of runs) await host.submit(run, { ...create(journal), ref: { id: run, args: 'a' } });
    journal.slow = true;
    const cancel = (run: string) => host.submit(run, { type: 'run.cancel', by });
    void cancel('r0');
    await world.clock.settle();
    const rest = runs.slice(1).map(cancel);
    await world.clock.settle();
    // More have ended than are kept, and the end of one of them is durable.
    journal.writeNext();
    const again = runs.slice(1).map(cancel);
    await world.clock.settle();
    journal.settle();
    for (const reply of await Promise.all(rest)) expect(reply.ok).toBe(true);
    for (const reply of await Promise.all(again)) expect(reply).toMatchObject({ ok: false, refusal: { code: 'RUN_ENDED' } });
  });
});

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
