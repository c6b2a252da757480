/** A change of a plan as lines that people read: what comes, what goes, who does what, who waits for whom. */
import type { ProposedChange } from '../../engine/kernel/facts.ts';
import type { RunState } from '../../engine/kernel/state.ts';
import type { PlanLine } from '../api/shapes.ts';

type Change = Pick<ProposedChange, 'add' | 'drop' | 'rewire' | 'replace'>;

export function planLines({ tasks }: RunState, { add, drop = [], rewire = {}, replace = [] }: Change): PlanLine[] {
  const needsOf = (id: string) => tasks.get(id)?.spec.needs ?? [];
  const newNeeds = [...Object.entries(rewire), ...replace.map(({ id, needs }) => [id, needs] as const)];
  return [
    ...drop.map((task): PlanLine => ({ what: 'dropped', task })),
    ...add.map(({ id, agent, needs }): PlanLine => {
      const after = [...(agent === undefined ? [] : [agent]), ...(needs.length > 0 ? [`after ${needs.join(', ')}`] : [])].join(', ');
      return { what: 'added', task: id, ...(after === '' ? {} : { after }) };
    }),
    ...replace.flatMap(({ id, agent = '' }): PlanLine[] => {
      const before = tasks.get(id)?.spec.agent ?? '';
      return before === agent ? [] : [{ what: 'agent', task: id, before, after: agent }];
    }),
    ...newNeeds.flatMap(([task, needs]): PlanLine[] => {
      const [before, after] = [needsOf(task).join(', '), needs.join(', ')];
      return before === after ? [] : [{ what: 'needs', task, before, after }];
    }),
  ];
}
