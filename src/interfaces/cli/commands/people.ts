import { text as readText } from 'node:stream/consumers';
import { BatonError } from '../../../errors.ts';
import type { InboxItem } from '../../api/shapes.ts';
import type { BatonClient } from '../../client/client.ts';
import { attentionTitle, decisionName, itemLines } from '../asking.ts';
import type { Handler } from '../command.ts';
import { type Context, EXIT } from '../context.ts';

export const inbox: Handler<object> = (context, [run]) =>
  context.reading(async ({ client }) => {
    const { out } = context;
    const items = await client.inbox(run);
    if (out.json) for (const item of items) out.data(item);
    else if (items.length === 0) out.say('Nothing waits for you.');
    items.forEach((item, i) => {
      out.say(...(i > 0 ? [''] : []), ...itemLines(item, out.paint));
    });
    return EXIT.done;
  });

interface DecideOptions {
  readonly note?: string;
  readonly binds?: string;
}

export const approve: Handler<DecideOptions> = (context, [run = '', task], options) => decide(context, 'approve', run, task, options);
export const reject: Handler<DecideOptions> = (context, [run = '', task], options) => decide(context, 'reject', run, task, options);

const decide = (
  context: Context,
  decision: 'approve' | 'reject',
  typed: string,
  task: string | undefined,
  { note, binds }: DecideOptions,
): Promise<number> =>
  context.owning(async ({ client }) => {
    const { out } = context;
    const item = await openApproval(client, typed, task);
    const reply = await client.decide(item.run, item.approval, {
      decision,
      binds: binds ?? item.binds,
      ...(note === undefined ? {} : { note }),
    });
    out.result({ ...reply, approval: item.approval, decision, binds: item.binds }, () => [
      `${decision === 'approve' ? 'Approved' : 'Rejected'}: ${item.name}, ${attentionTitle(item)} (${item.binds.slice(0, 12)})`,
    ]);
    return EXIT.done;
  });

type ApprovalItem = Extract<InboxItem, { kind: 'approval' }>;

/** The one that is meant: by its task or its id, or the only one. @throws BatonError `APPROVAL_NOT_FOUND`, `USAGE` */
async function openApproval(client: BatonClient, typed: string, task: string | undefined): Promise<ApprovalItem> {
  const { run, status } = await client.run(typed);
  const all = (await client.inbox(run)).filter((item): item is ApprovalItem => item.kind === 'approval');
  const meant = task === undefined ? all : all.filter((item) => item.task === task || item.approval === task);
  const [only] = meant;
  if (only !== undefined && meant.length === 1) return only;
  const names = all.map(decisionName);
  if (meant.length > 1)
    throw new BatonError('USAGE', `Run ${run} asks for ${meant.length} decisions.`, { hint: `Name one: ${names.join(', ')}` });
  throw new BatonError(
    'APPROVAL_NOT_FOUND',
    task === undefined ? `Run ${run} (${status}) asks for no decision.` : `Nothing about "${task}" waits for a decision.`,
    {
      where: run,
      hint: names.length > 0 ? `What waits: ${names.join(', ')}` : 'See what waits: baton inbox',
    },
  );
}

const FATES = { happened: 'committed', retry: 'retry', failed: 'fail' } as const;

export const answer: Handler<{ readonly output?: Readonly<Record<string, string>> }> = (
  context,
  [typed = '', task = '', given = ''],
  { output },
) =>
  context.owning(async ({ client }) => {
    const { run, id, status, definition } = await client.task(typed, task);
    const said = await typedOrRead(context, given);
    if (status !== 'undecided') {
      const reply = await client.answer(run, id, definition.schema ? jsonOf(said) : said);
      context.out.result(reply, () => [`Answered "${id}" of run ${run}.`]);
      return EXIT.done;
    }
    const decision = FATES[said as keyof typeof FATES];
    if (decision === undefined)
      throw new BatonError('USAGE', `"${id}" was lost, and nobody knows whether it happened.`, {
        hint: `Say one of: ${Object.keys(FATES).join(', ')}`,
      });
    const reply = await client.decideTask(run, id, { decision, ...(output === undefined ? {} : { outputs: output }) });
    context.out.result(reply, () => [`"${id}" of run ${run}: ${said}.`]);
    return EXIT.done;
  });

export const send: Handler<object> = (context, [typed = '', task = '', given = '']) =>
  context.owning(async ({ client }) => {
    const { run } = await client.run(typed);
    const reply = await client.send(run, task, await typedOrRead(context, given));
    context.out.result(reply, () => [`Sent to "${task}" of run ${run}; whether it was taken shows in: baton show ${run}`]);
    return EXIT.done;
  });

const typedOrRead = async ({ out }: Context, given: string): Promise<string> =>
  given === '-' ? (await readText(out.streams.stdin)).replace(/\n$/, '') : given;

function jsonOf(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch (error) {
    throw new BatonError('INVALID_ANSWER', 'This question has a schema, and the answer is not JSON.', {
      hint: `Write it like '{"name": "value"}'`,
      cause: error,
    });
  }
}
