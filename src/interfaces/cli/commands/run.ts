import { resolve } from 'node:path';
import type { Handler } from '../command.ts';
import type { Session } from '../connect.ts';
import { EXIT } from '../context.ts';
import { type GoalOptions, goalOf } from '../goal.ts';
import { type LimitOptions, limitsOf } from '../typed.ts';
import { watch } from '../watch.ts';

export interface RunOptions extends LimitOptions, GoalOptions {
  readonly input?: Readonly<Record<string, string>>;
  readonly detach?: boolean;
  readonly foreground?: boolean;
  readonly output?: boolean;
  readonly priority?: number;
  readonly approvePlan?: boolean;
  readonly commandId?: string;
}

export const run: Handler<RunOptions> = async (context, [file = ''], options) => {
  const { out, cwd } = context;
  const { input, priority, commandId } = options;
  const limits = limitsOf(options);
  const workflow = goalOf(file, cwd, options);
  const request = {
    file: resolve(cwd, workflow ? 'goal' : file),
    cwd,
    ...(workflow ? { workflow } : {}),
    ...(input === undefined ? {} : { inputs: input }),
    ...(limits === undefined ? {} : { limits }),
    ...(priority === undefined ? {} : { priority }),
    // The plan of a goal is a result of its own, which somebody approves.
    ...(options.approvePlan && !(workflow && options.agent === undefined) ? { approvePlan: true } : {}),
  };
  const start = async (session: Session): Promise<number> => {
    const { run: id } = await session.client.submit(request, commandId);
    if (options.detach && session.at() !== 'here') {
      out.result({ run: id }, () => [id]);
      if (out.interactive) out.note('dim', `Watch it: baton follow ${id}`);
      return EXIT.done;
    }
    if (!out.json) out.note('dim', `run ${id}`);
    return watch(context, session, { run: id, output: options.output ?? false, asks: true });
  };
  return options.foreground ? context.here(start) : context.owning(start);
};
