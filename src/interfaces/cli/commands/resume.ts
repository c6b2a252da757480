import type { RunSummary } from '../../api/shapes.ts';
import { attentionCommand } from '../asking.ts';
import type { Handler } from '../command.ts';
import type { Session } from '../connect.ts';
import { type Context, EXIT } from '../context.ts';
import { type LimitOptions, limitsOf } from '../typed.ts';
import { waitForAll } from '../wait-for-all.ts';
import { watch } from '../watch.ts';
import { plural } from '../words.ts';

interface ResumeOptions extends LimitOptions {
  readonly foreground?: boolean;
  readonly detach?: boolean;
}

export const resume: Handler<ResumeOptions> = async (context, [typed], options) => {
  // Asked before anybody owns the home: what a new owner finishes at once was resumed all the same.
  const open = typed === undefined ? await context.reading(({ client }) => client.runs({ open: true, limit: 100_000 })) : [];
  const use = (session: Session) =>
    typed === undefined ? resumeAll(context, session, open, options) : resumeOne(context, session, typed, options);
  return options.foreground ? context.here(use) : context.owning(use);
};

async function resumeOne(context: Context, session: Session, typed: string, options: ResumeOptions): Promise<number> {
  const { run, status } = await session.client.run(typed);
  const limits = limitsOf(options);
  // A run that was only interrupted goes on as soon as somebody owns the home.
  if (status === 'paused' || limits !== undefined) {
    const reply = await session.client.resume(run, limits);
    if (options.detach) {
      context.out.result(reply, () => [`Run ${run} goes on.`]);
      return EXIT.done;
    }
  }
  return options.detach ? EXIT.done : watch(context, session, { run, output: false, asks: true });
}

/** Whoever owns the home carries all unfinished runs on; so asking it anything is enough. */
async function resumeAll(
  context: Context,
  session: Session,
  open: readonly RunSummary[],
  { detach = false }: ResumeOptions,
): Promise<number> {
  const { out } = context;
  if (open.length === 0) {
    out.say('There is nothing to resume.');
    return EXIT.done;
  }
  if (detach && session.at() !== 'here') {
    // Nobody is started before somebody is asked.
    await session.client.health();
    if (out.json) for (const run of open) out.data(run);
    else out.say(`${plural(open.length, 'run goes on', 'runs go on')}: ${open.map(({ run }) => run).join(', ')}`);
    return EXIT.done;
  }
  const [only] = open;
  if (open.length === 1 && only) return watch(context, session, { run: only.run, output: false, asks: true });
  const ended = await waitForAll(
    context,
    session,
    open.map(({ run }) => run),
  );
  if (!ended) return EXIT.interrupted;
  for (const run of ended) tell(context, run);
  if (ended.some(({ status }) => status === 'failed' || status === 'cancelled')) return EXIT.failed;
  return ended.every(({ status }) => status === 'succeeded') ? EXIT.done : EXIT.person;
}

function tell({ out }: Context, run: RunSummary): void {
  const needs = run.attention.map((item) => attentionCommand(run.run, item));
  out.result(run, () => [`${run.run}  ${run.name}  ${run.status}${needs.length > 0 ? ` → ${needs[0]}` : ''}`]);
}
