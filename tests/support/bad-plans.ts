/**
 * Answers of planners that went wrong, in `tests/fixtures/planner`: what each said, and beside it the plan that is expected
 * of it with the repairs it is told, or the codes it is refused with.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { planProblems } from '../../src/compose/workflows.ts';
import type { AgentConfig } from '../../src/work/agents/agent.ts';
import type { Draft, Repair } from '../../src/work/planning/draft.ts';
import { judgeSaid } from '../../src/work/planning/judge.ts';
import { planOf } from '../../src/work/planning/levels.ts';
import { PLAN_LIMITS_DEFAULT, type Situation } from '../../src/work/planning/situation.ts';
import { toWorkflow } from '../../src/work/planning/to-workflow.ts';
import { BUILT_IN } from '../../src/work/tools/names.ts';

const folder = new URL('../fixtures/planner/', import.meta.url);

const bad = z.strictObject({
  said: z.string(),
  depth: z.number().optional(),
  /** Characters that stand for PADDING. */
  pad: z.number().optional(),
  /** By id, in order: what the task must be, with all its needs. */
  tasks: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  /** In order, each as its code and a part of its words. */
  repairs: z.array(z.string()).optional(),
  questions: z.array(z.string()).optional(),
  refused: z.array(z.string()).optional(),
});
export type BadPlan = z.infer<typeof bad> & { readonly name: string };

export const badPlans = (): BadPlan[] =>
  readdirSync(folder)
    .sort()
    .map((file) => ({ name: file.replace(/\.yaml$/, ''), ...bad.parse(parse(readFileSync(new URL(file, folder), 'utf8'))) }));

const agent = (name: string, ...capabilities: string[]): AgentConfig => ({ name, kind: 'acp', config: {}, capabilities, slots: 4 });

export const SITUATION: Situation = {
  goal: 'Make it so',
  agents: [agent('coder', 'code', 'test'), agent('writer', 'text'), agent('critic', 'review')],
  tools: new Set(Object.keys(BUILT_IN)),
  network: new Set(['registry.npmjs.org']),
  project: {
    files: ['package.json', 'src/index.js', 'test/index.test.js'],
    more: 0,
    texts: {},
    commands: { test: 'npm test', build: 'npm run build' },
    scripts: new Set(['test', 'build']),
  },
  limits: PLAN_LIMITS_DEFAULT,
  depth: 1,
};

export interface Verdict {
  readonly ended: 'plan' | 'refused';
  /** What is not as expected. */
  readonly problems: readonly string[];
}

export async function check({ said, depth = 1, pad, tasks, repairs = [], questions = [], refused }: BadPlan): Promise<Verdict> {
  const answer = pad === undefined ? said : said.replace('PADDING', 'x'.repeat(pad));
  const judged = judgeSaid(answer, { ...SITUATION, depth });
  if (!judged.ok) {
    const codes = judged.findings.filter(({ level }) => level === 'refuse').map(({ code }) => code);
    return {
      ended: 'refused',
      problems:
        JSON.stringify(codes) === JSON.stringify(refused) ? [] : [`refused with ${codes.join(', ')}: ${judged.findings[0]?.message}`],
    };
  }
  const plan = planOf('model', 'said', judged);
  return {
    ended: 'plan',
    problems: [
      ...(tasks ? differences(judged.draft, tasks, questions) : ['made a plan of what should be refused']),
      ...unlike(judged.repairs, repairs),
      ...(await planProblems(toWorkflow(plan.draft, plan.chosen), SITUATION.agents)),
    ],
  };
}

function differences(draft: Draft, expected: NonNullable<BadPlan['tasks']>, questions: readonly string[]): string[] {
  const ids = draft.tasks.map(({ id }) => id);
  const found = [
    ...(ids.join() === Object.keys(expected).join() ? [] : [`has the tasks ${ids.join(', ')}`]),
    ...(draft.questions.map(({ id }) => id).join() === questions.join() ? [] : [`has other questions`]),
  ];
  for (const task of draft.tasks)
    for (const [key, value] of Object.entries(expected[task.id] ?? {})) {
      const own = task[key as keyof typeof task];
      if (JSON.stringify(own) !== JSON.stringify(value)) found.push(`${key} of ${task.id} is ${JSON.stringify(own)}`);
    }
  return found;
}

/** Repairs are named one for one: none is hidden, none is invented. */
function unlike(repairs: readonly Repair[], expected: readonly string[]): string[] {
  const told = repairs.map(({ code, message }) => `${code} ${message}`);
  const fits = told.length === expected.length && told.every((each, i) => isLike(each, expected[i] ?? ''));
  return fits ? [] : [`told these repairs: ${told.join('; ') || 'none'}`];
}
const isLike = (told: string, expected: string): boolean => {
  const [code = '', ...words] = expected.split(' ');
  return told.startsWith(`${code} `) && told.includes(words.join(' '));
};
