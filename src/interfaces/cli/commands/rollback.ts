/** How workspaces stood along the way, and the way back. */
import type { CheckpointView } from '../../api/trees.ts';
import type { BatonClient } from '../../client/client.ts';
import { quoted } from '../asking.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import { factsAfter } from '../facts-after.ts';
import { table } from '../output.ts';
import { shortCommit } from '../tree-words.ts';
import { clock } from '../words.ts';

const WHY: Readonly<Record<CheckpointView['why'], string>> = {
  start: 'what it began with',
  command: 'asked for by the agent',
  count: 'after many changes',
  time: 'on the way',
  end: 'end of the attempt',
  restore: 'put back',
};

export const checkpoints: Handler<object> = (context, [typed = '', task]) =>
  context.reading(async ({ client }) => {
    const { out } = context;
    const { run } = await client.run(typed);
    const all = await client.checkpoints(run, task);
    out.result({ checkpoints: all }, () =>
      all.length === 0
        ? ['There are none: no task of this run has begun to work in a tree.']
        : table(
            ['checkpoint', 'at', 'task', 'attempt', 'files', 'why'],
            all.map(({ checkpoint, at, task: of, attempt = '', files = '', why }) => [
              shortCommit(checkpoint),
              clock(at),
              of,
              String(attempt),
              String(files),
              WHY[why],
            ]),
            out.paint,
          ),
    );
    return EXIT.done;
  });

export const rollback: Handler<{ readonly path?: readonly string[] }> = (context, [typed = '', task = '', to = ''], { path }) =>
  context.owning(async ({ client }) => {
    const { run, id } = await client.task(typed, task);
    const reply = await client.restore(run, id, to, path);
    const refusal = await endOfRestore(client, run, id, reply.seq);
    context.out.result({ ...reply, task: id, done: refusal === undefined, ...(refusal === undefined ? {} : { reason: refusal }) }, () => [
      refusal === undefined
        ? `The workspace of "${id}" is as ${to} has it${path === undefined ? '' : `, in ${path.join(', ')}`}. Take it back: baton checkpoints ${run} ${quoted(id)}`
        : `The workspace of "${id}" could not be put back: ${refusal}`,
    ]);
    return refusal === undefined ? EXIT.done : EXIT.failed;
  });

/** @returns why it did not happen, if it did not */
async function endOfRestore(client: BatonClient, run: string, task: string, seq: number): Promise<string | undefined> {
  for await (const fact of factsAfter(client, run, seq)) {
    if (fact.type === 'restore.ended' && fact.task === task) return fact.reason;
    if (fact.type === 'run.ended') return 'the run ended before.';
  }
  return undefined;
}
