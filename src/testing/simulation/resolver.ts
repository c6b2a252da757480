/** The simulator's resolver: does what the script in a task's definition says. */
import type { Resolver } from '../../engine/host/host.ts';
import { taskOf } from '../../engine/kernel/task.ts';
import type { Script } from './plans.ts';

export const scriptedResolver: Resolver = {
  resolve(state, id, blobs) {
    const task = taskOf(state, id);
    const script = JSON.parse(Buffer.from(blobs.get(task.spec.work) ?? '{}').toString()) as Script;
    const fail = { to: 'fail', failure: { class: 'permanent', code: 'SCRIPTED', message: 'as the script says' } } as const;
    const round = task.children?.round ?? 0;
    if (round === 0 && script.resolve === 'skip') return { to: 'skip' };
    if (round === 0 && script.resolve === 'fail') return fail;
    if (task.spec.kind !== 'container') return { to: 'inputs', inputs: blobs.put(JSON.stringify({ ...script, resolved: true })) };
    const count = script.rounds?.[round];
    if (count === undefined || count === 0 || !script.child)
      return script.closeFails ? fail : { to: 'commit', result: blobs.put(JSON.stringify({ container: id })) };
    const { child } = script;
    return {
      to: 'expand',
      add: Array.from({ length: count }, (_, i) => ({
        ...child.spec,
        id: `${id}/${round}.${i}`,
        needs: [],
        parent: id,
        work: blobs.put(JSON.stringify(child.script)),
      })),
    };
  },
};
