/** What the payloads of a journal say that a task was asked for. */
import type { Journal } from '../engine/journal/journal.ts';
import type { Hash } from '../engine/kernel/plan.ts';
import { capabilityOf } from '../work/perform/agent-task.ts';
import type { Definition } from '../work/planning/definition.ts';
import type { Asked } from '../work/planning/outcomes/follow.ts';
import { SIZE_DEFAULT } from '../work/planning/route/figures.ts';

type Payloads = Pick<Journal, 'get'>;

export function askedIn(journal: Payloads): Asked {
  return (work) => {
    const definition = jsonIn<Definition>(journal, work);
    if (definition?.kind !== 'agent') return undefined;
    const { agent, capability, size = SIZE_DEFAULT } = definition;
    return capability === undefined ? { capability: capabilityOf(agent), size, named: true } : { capability, size };
  };
}

export function jsonIn<T>(journal: Payloads, hash: Hash): T | undefined {
  const payload = journal.get(hash);
  return payload && (JSON.parse(Buffer.from(payload).toString('utf8')) as T);
}
