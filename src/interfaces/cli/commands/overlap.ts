/** Lets a task work beside one whose claims it waits for. */
import { BatonError } from '../../../errors.ts';
import type { ClaimAhead, TaskDetail } from '../../api/shapes.ts';
import { quoted } from '../asking.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';

export const overlap: Handler<object> = (context, [typed = '', task = '', other = '']) =>
  context.owning(async ({ client }) => {
    const detail = await client.task(typed, task);
    const ahead = aheadNamed(detail, other);
    const reply = await client.overlap(detail.run, detail.id, ahead);
    context.out.result({ ...reply, task: detail.id, other: ahead }, () => [
      `${detail.run}/${detail.id} and ${ahead.run}/${ahead.task} may work at once on ${ahead.claims[0]} (${ahead.binds.slice(0, 12)}).`,
      'Their changes are merged one at a time; where they conflict, the later one is reworked.',
    ]);
    return EXIT.done;
  });

/** @throws BatonError `NO_OVERLAP` */
function aheadNamed({ run, id, status, waitsFor = [] }: TaskDetail, other: string): ClaimAhead {
  const nameOf = (each: ClaimAhead) => (each.run === run ? each.task : `${each.run}/${each.task}`);
  const found = waitsFor.find((each) => nameOf(each) === other || `${each.run}/${each.task}` === other);
  if (found) return found;
  throw new BatonError('NO_OVERLAP', `"${id}" (${status}) does not wait for "${other}".`, {
    where: `${run}/${id}`,
    hint:
      waitsFor.length === 0
        ? 'It waits for the claims of nobody.'
        : `It waits for ${waitsFor.map((each) => quoted(nameOf(each))).join(', ')}.`,
  });
}
