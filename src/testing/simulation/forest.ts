/** The trees of a world are words: a merged tree is named after what it was merged from. Disks fail, people edit meanwhile. */
import type { TreeHandlers } from '../../engine/host/host.ts';
import type { Flight, Surroundings } from './surroundings.ts';

export function forest(world: Surroundings, wait: (what: Flight['what'], run: string) => Promise<void>): TreeHandlers {
  const trouble = (often: number) => {
    if (!world.closing && world.random.chance(often)) throw new Error('the disk is full');
  };
  return {
    async snapshot(_owed, { run }) {
      await wait('tree', run);
      trouble(0.1);
      return `${run} as of ${world.random.below(1e6)}`;
    },
    async integrate({ task, attempt, onto }, { run, blobs }) {
      await wait('tree', run);
      trouble(0.08);
      const why = world.random.chance(0.6) ? 'conflict' : 'rules';
      if (world.random.chance(world.closing ? 0.05 : 0.25)) return { to: 'refused', why, feedback: blobs.put(`${task}: ${why}`) };
      return { to: 'merged', tree: `${onto} + ${task}.${attempt}` };
    },
    async restore({ task, to }, { run }) {
      await wait('tree', run);
      trouble(0.2);
      return { ok: true, before: `${task} before`, checkpoint: `${to} again` };
    },
    async promote({ promotion, undo }, { run, blobs }) {
      await wait('tree', run);
      trouble(0.05);
      if (!world.closing && world.random.chance(0.2)) return { ok: false, code: 'PROMOTION_CONFLICT', message: 'edited meanwhile' };
      return { ok: true, report: blobs.put(`${promotion} ${undo}`) };
    },
  };
}
