import type { Cleaned, CleanedRun } from '../../api/shapes.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import { table } from '../output.ts';
import { statusTone } from '../status-words.ts';
import type { Paint } from '../style.ts';
import { printable } from '../width.ts';
import { ago, bytes, plural } from '../words.ts';

const WEEK_MS = 7 * 86_400_000;

interface CleanOptions {
  readonly olderThan?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export const clean: Handler<CleanOptions> = async (context, [run], { olderThan, dryRun = false, yes = false }) => {
  const { out, now } = context;
  // A run that is named may be a fresh one.
  const query = { olderThanMs: olderThan ?? (run === undefined ? WEEK_MS : 0), ...(run === undefined ? {} : { run }) };
  const preview = await context.reading(({ client }) => client.cleanable(query));
  if (preview.runs.length === 0 || dryRun || !yes) {
    out.result(preview, () => (preview.runs.length === 0 ? ['There is nothing to remove.'] : previewLines(preview.runs, now(), out.paint)));
    return EXIT.done;
  }
  return context.owning(async ({ client }) => {
    const cleaned = await client.clean(preview.runs.map((each) => each.run));
    out.result(cleaned, () => [removedText(cleaned)]);
    return EXIT.done;
  });
};

function previewLines(runs: readonly CleanedRun[], now: number, paint: Paint): string[] {
  const undoable = runs.filter(({ promotions = 0 }) => promotions > 0).length;
  return [
    ...table(
      ['run', 'name', 'status', 'ended', 'workspaces', ''],
      runs.map(({ run, name, status, endedAt, workspaces, ahead }) => [
        run,
        printable(name),
        paint(statusTone(status), status),
        ago(endedAt, now),
        workspaces ? `${workspaces.count} (${bytes(workspaces.bytes)})` : '',
        ahead ? paint('wait', `not all of its change is in your tree: baton diff ${run}`) : '',
      ]),
      paint,
    ),
    '',
    ...(undoable > 0 ? [`What ${plural(undoable, 'run')} promoted stays in your tree, and could not be taken back any more.`] : []),
    `Facts, payloads, logs, folders and workspaces of ${plural(runs.length, 'run')} would be removed. Nothing was. To do it: add --yes`,
  ];
}

function removedText({ runs, removed }: Cleaned): string {
  const { facts = 0, blobs = 0, bytes: size = 0, workspaces = 0, workspaceBytes = 0 } = removed ?? {};
  const trees = workspaces > 0 ? `, ${plural(workspaces, 'workspace')} (${bytes(workspaceBytes)})` : '';
  return `Removed ${plural(runs.length, 'run')}: ${plural(facts, 'fact')}, ${plural(blobs, 'payload')} (${bytes(size)})${trees}, with logs and folders.`;
}
