import { setTimeout as sleep } from 'node:timers/promises';
import type { ChangeView, PromotionView } from '../../api/shapes.ts';
import type { Handler } from '../command.ts';
import { type Context, EXIT } from '../context.ts';
import { plural } from '../words.ts';

export interface DiffOptions {
  readonly from?: string;
  readonly to?: string;
  readonly path?: string;
  readonly stat?: boolean;
}

const SIGNS: Readonly<Record<ChangeView['kind'], string>> = { added: 'A', modified: 'M', deleted: 'D', mode: 'm' };

export const diff: Handler<DiffOptions> = (context, [typed = '', task], { from, to, path, stat = false }) =>
  context.owning(async ({ client }) => {
    const { run } = await client.run(typed);
    const found = await client.diff(run, {
      ...(task === undefined ? {} : { task }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(path === undefined ? {} : { paths: [path] }),
    });
    context.out.result(found, () => {
      if (found.changes.length === 0) return ['Nothing changed.'];
      return stat ? [...filesOf(found.changes), plural(found.changes.length, 'file')] : coloured(context, found.patch);
    });
    return EXIT.done;
  });

const filesOf = (changes: readonly ChangeView[]): string[] => changes.map(({ kind, path }) => `${SIGNS[kind]}  ${path}`);

const coloured = ({ out }: Context, patch: string): string[] =>
  patch
    .trimEnd()
    .split('\n')
    .map((line) =>
      /^(\+\+\+|---|diff |index )/.test(line)
        ? out.paint('dim', line)
        : line.startsWith('+')
          ? out.paint('good', line)
          : line.startsWith('-')
            ? out.paint('bad', line)
            : line,
    );

export const checkpoints: Handler<object> = (context, [typed = '', task]) =>
  context.reading(async ({ client }) => {
    const { run } = await client.run(typed);
    const all = await client.checkpoints(run, task);
    context.out.result({ checkpoints: all }, () =>
      all.length === 0
        ? ['There are none.']
        : all.map(
            (each) =>
              `${each.checkpoint.slice(0, 12)}  ${new Date(each.at).toISOString().slice(11, 19)}  ${each.task}${each.attempt === undefined ? '' : ` attempt ${each.attempt}`}  ${each.why}${each.files === undefined ? '' : `  ${plural(each.files, 'file')}`}`,
          ),
    );
    return EXIT.done;
  });

const POLL_MS = 100;

export const rollback: Handler<{ readonly path?: string }> = (context, [typed = '', task = '', checkpoint = ''], { path }) =>
  context.owning(async ({ client }) => {
    const { run } = await client.run(typed);
    const to = (await client.checkpoints(run, task)).find((each) => each.checkpoint.startsWith(checkpoint))?.checkpoint ?? checkpoint;
    const before = (await client.checkpoints(run, task)).length;
    const reply = await client.restore(run, task, to, path === undefined ? undefined : [path]);
    while ((await client.task(run, task)).restoring) await sleep(POLL_MS);
    const done = (await client.checkpoints(run, task)).length > before;
    context.out.result({ ...reply, done }, () => [
      done
        ? `The workspace of "${task}" is as ${to.slice(0, 12)} has it${path === undefined ? '' : `, in ${path}`}.`
        : `The workspace of "${task}" could not be put back; baton show ${run} ${task} says why.`,
    ]);
    return done ? EXIT.done : EXIT.failed;
  });

export const promote: Handler<{ readonly undo?: boolean }> = (context, [typed = ''], { undo = false }) =>
  context.owning(async ({ client }) => {
    const { run } = await client.run(typed);
    await client.promote(run, undo);
    let last: PromotionView | undefined;
    do {
      last = (await client.promotions(run)).at(-1);
      if (last?.status === 'running' || last?.status === 'undoing') await sleep(POLL_MS);
    } while (last?.status === 'running' || last?.status === 'undoing');
    context.out.result(last ?? {}, () => (last ? wordsOf(last, run) : []));
    if (last?.status === 'asked') return EXIT.person;
    return last?.refusal ? EXIT.failed : EXIT.done;
  });

interface Report {
  readonly files?: readonly ChangeView[];
  readonly kept?: readonly string[];
  readonly paths?: readonly string[];
}

function wordsOf({ status, refusal, report, promotion }: PromotionView, run: string): string[] {
  const { files = [], kept = [], paths = [] } = (report ?? {}) as Report;
  if (status === 'asked') return [`It waits for a person: baton approve ${run} ${promotion}`];
  if (refusal)
    return [
      `Your tree was left as it was: ${refusal.message}`,
      ...paths.map((path) => `   ${path}`),
      `When that is out of the way: baton promote ${run}`,
    ];
  const kepts =
    kept.length === 0 ? [] : ['You saved these in the meantime; they stay as you have them:', ...kept.map((path) => `   ${path}`)];
  const what = status === 'undone' ? 'Put back in your tree' : 'Now in your tree';
  return [
    ...filesOf(files),
    `${what}: ${plural(files.length, 'file')}.`,
    ...kepts,
    ...(status === 'done' ? [`Take it back: baton promote ${run} --undo`] : []),
  ];
}

export const workspaces: Handler<object> = (context) =>
  context.owning(async ({ client }) => {
    const all = await client.workspaces();
    context.out.result({ workspaces: all }, () =>
      all.length === 0 ? ['There are none.'] : all.map(({ id, folder, bytes }) => `${id}  ${(bytes / 2 ** 20).toFixed(1)} MiB  ${folder}`),
    );
    return EXIT.done;
  });
