/** Words for people, out of payloads: what a task is, what it handed over, what a person's decision is stored as. */
import type { Hash, Principal } from '../engine/kernel/plan.ts';
import type { RunState, TaskRecord } from '../engine/kernel/state.ts';
import { BatonError } from '../errors.ts';
import type { TaskText } from '../interfaces/api/shapes.ts';
import type { Engine, Texts } from '../interfaces/server/services.ts';
import { checkAnswer } from '../work/agents/human.ts';
import { assemble } from '../work/perform/handoff.ts';
import type { Definition, HandoffContent, Template } from '../work/planning/definition.ts';
import { planTold } from '../work/planning/told.ts';

interface Blobs {
  put(payload: string): Hash;
  get(hash: Hash): Uint8Array | undefined;
}

export function createTexts(blobs: Blobs): Texts {
  return {
    task: (_state, record) => {
      const definition = read<Definition>(blobs, record.inputs ?? record.spec.work);
      if (!definition) return {};
      const text = taskText(definition);
      if (definition.kind !== 'planner' || record.result === undefined) return text;
      const lines = planTold(read<HandoffContent>(blobs, record.result)?.outputs);
      return { ...text, text: [text.text, ...lines].join('\n') };
    },
    handoff(state, record) {
      const content = record.result === undefined ? undefined : read<HandoffContent>(blobs, record.result);
      if (!content || record.status !== 'committed') return undefined;
      // Containers, decisions and answers were no attempts of an agent: their content is all there is.
      return record.attempt > 0 && record.spec.kind === 'work' ? assemble(state.id, record, content) : content;
    },
    payload(hash) {
      const payload = blobs.get(hash);
      if (!payload) return undefined;
      const text = Buffer.from(payload).toString('utf8');
      try {
        return JSON.parse(text) as unknown;
      } catch {
        return text;
      }
    },
  };
}

function read<T>(blobs: Blobs, hash: Hash): T | undefined {
  const payload = blobs.get(hash);
  if (!payload) return undefined;
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8')) as T;
  } catch {
    return undefined;
  }
}

const textOf = (template: Template): string =>
  typeof template === 'string'
    ? template
    : template.parts
        .map((part) => (typeof part === 'string' ? part : 'secret' in part ? `\${{ secrets.${part.secret} }}` : `\${{ ${part.expr} }}`))
        .join('');

function taskText(definition: Definition): TaskText {
  const env = definition.env
    ? { env: Object.fromEntries(Object.entries(definition.env).map(([name, value]) => [name, textOf(value)])) }
    : {};
  const place = definition.in === undefined ? {} : { in: definition.in };
  switch (definition.kind) {
    case 'command':
      return { text: typeof definition.run === 'string' ? definition.run : definition.run.join(' '), ...env, ...place };
    case 'agent':
      return { text: textOf(definition.prompt), ...(definition.schema ? { schema: definition.schema } : {}), ...env };
    case 'decision':
      return { text: textOf(definition.question), ...env };
    case 'function':
      return { text: `call ${definition.name}` };
    case 'tool':
      return { text: `tool ${definition.name}` };
    case 'uses':
      return { text: `uses ${definition.workflow}` };
    case 'plan':
      return { text: `plan: ${definition.child.definition.kind === 'planner' ? textOf(definition.child.definition.goal) : ''}` };
    case 'planner':
      return { text: `plan: ${textOf(definition.goal)}` };
    default:
      return { text: definition.kind };
  }
}

/** What a person's words are stored as, before the command that names them. */
export function createDecisions(
  blobs: Blobs,
  state: (run: string) => RunState | undefined,
): Pick<Engine, 'decided' | 'answered' | 'feedback' | 'happened'> {
  const content = (outputs: HandoffContent['outputs'], summary: string): Hash =>
    blobs.put(JSON.stringify({ summary, outputs, artifacts: [], evidence: [], questions: [] } satisfies HandoffContent));
  const taskOf = (run: string, task: string): TaskRecord | undefined => state(run)?.tasks.get(task);
  return {
    decided: (_run, _task, decision, by: Principal, note) =>
      content(
        { decision: decision === 'approve' ? 'approved' : 'rejected', by: by.id, ...(note === undefined ? {} : { note }) },
        `${decision === 'approve' ? 'Approved' : 'Rejected'} by ${by.id}.`,
      ),
    answered(run, task, answer, by) {
      const record = taskOf(run, task);
      const definition = record && read<Definition>(blobs, record.inputs ?? record.spec.work);
      const checked = checkAnswer(answer, definition?.kind === 'agent' ? definition.schema : undefined);
      if (checked.ok) return content(checked.result.outputs, checked.result.summary || `Answered by ${by.id}.`);
      throw new BatonError('INVALID_ANSWER', `The answer does not fit: ${checked.problems.join('; ')}.`, {
        where: task,
        hint: 'Look at the schema with `baton inbox`, and answer with JSON that fits it.',
        details: { problems: checked.problems },
      });
    },
    feedback: (text) => blobs.put(JSON.stringify({ feedback: text })),
    happened: (_run, _task, outputs, by) => content(outputs, `${by.id} says that it happened.`),
  };
}
