import { resolve } from 'node:path';
import { BatonError } from '../../../errors.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import { goalOf } from '../goal.ts';
import { previewLines } from '../preview.ts';
import { type LimitOptions, limitsOf } from '../typed.ts';
import type { PlanGoalOptions } from './plan-goal.ts';

export interface PlanOptions extends LimitOptions, PlanGoalOptions {
  readonly input?: Readonly<Record<string, string>>;
}

export const plan: Handler<PlanOptions> = async (context, [typed = ''], options) => {
  const { out, cwd } = context;
  const limits = limitsOf(options);
  const request = {
    file: resolve(cwd, typed),
    cwd,
    ...(options.input === undefined ? {} : { inputs: options.input }),
    ...(limits === undefined ? {} : { limits }),
  };
  const goal = goalOf(typed, cwd, { onlyPlan: true });
  if (goal) {
    const { planGoal } = await import('./plan-goal.ts');
    return context.owning((session) => planGoal(context, session, { ...request, file: resolve(cwd, 'goal'), workflow: goal }, options));
  }
  if (options.save !== undefined)
    throw new BatonError('USAGE', '--save is for the plan of a goal; a workflow file is one already.', { where: typed });
  return context.reading(async ({ client }) => {
    const preview = await client.plan(request);
    out.result(preview, () => previewLines(preview, options, out.paint));
    return preview.refused.length > 0 ? EXIT.policy : EXIT.done;
  });
};
