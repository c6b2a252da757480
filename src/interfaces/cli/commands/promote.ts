/** Carries what a run has committed into the user's tree, or takes it back, and says what became of it. */
import type { PromotionView } from '../../api/trees.ts';
import type { BatonClient } from '../../client/client.ts';
import { attentionCommand } from '../asking.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import { factsAfter } from '../facts-after.ts';
import { fileLines } from '../tree-words.ts';
import { printable } from '../width.ts';
import { plural } from '../words.ts';

export const promote: Handler<{ readonly undo?: boolean; readonly branch?: string }> = (context, [typed = ''], { undo, branch }) =>
  context.owning(async ({ client }) => {
    const { run } = await client.run(typed);
    const { seq } = await client.promote(run, { ...(undo ? { undo } : {}), ...(branch === undefined ? {} : { branch }) });
    const last = await settled(client, run, seq);
    context.out.result(last, () => promotionLines(last, run));
    if (last.status === 'asked') return EXIT.person;
    return last.refusal ? EXIT.failed : EXIT.done;
  });

/** Looks again after each change of the run, until only a person can move the promotion on. */
async function settled(client: BatonClient, run: string, seq: number): Promise<PromotionView> {
  const look = async () => {
    const last = (await client.tree(run)).promotions.at(-1);
    return last && last.status !== 'running' && last.status !== 'undoing' ? last : undefined;
  };
  const already = await look();
  if (already) return already;
  for await (const _ of factsAfter(client, run, seq)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error('the facts of a run that is followed have no end');
}

function promotionLines({ status, refusal, files, kept, branch, promotion }: PromotionView, run: string): string[] {
  if (status === 'asked') return [`It waits for a person: ${attentionCommand(run, { kind: 'approval', approval: promotion })}`];
  if (refusal)
    return [
      `Your tree was left as it was: ${refusal.message}`,
      ...refusal.paths.map((path) => `   ${printable(path)}`),
      `When that is out of the way: baton promote ${run}${status === 'done' ? ' --undo' : ''}`,
    ];
  const stayed =
    kept.length === 0
      ? []
      : ['You saved these in the meantime; they stay as you have them:', ...kept.map((path) => `   ${printable(path)}`)];
  return [
    ...fileLines(files),
    `${status === 'undone' ? 'Put back in your tree' : 'Now in your tree'}: ${plural(files.length, 'file')}.`,
    ...(branch && status === 'done' ? [branchLine(branch)] : []),
    ...stayed,
    ...(status === 'done' ? [`Take it back: baton promote ${run} --undo`] : []),
  ];
}

const branchLine = ({ name, commit }: NonNullable<PromotionView['branch']>): string =>
  commit === undefined
    ? `Branch ${name} was moved or checked out in the meantime, and stays where it is.`
    : `Committed on branch ${name}: ${commit.slice(0, 12)}`;
