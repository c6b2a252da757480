import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import { table } from '../output.ts';
import { statusTone } from '../status-words.ts';
import { ago, bytes, plural } from '../words.ts';

const WEEK_MS = 7 * 86_400_000;

interface CleanOptions {
  readonly olderThan?: number;
  readonly yes?: boolean;
}

export const clean: Handler<CleanOptions> = async (context, [run], { olderThan, yes = false }) => {
  const { out, now } = context;
  // A run that is named may be a fresh one.
  const query = { olderThanMs: olderThan ?? (run === undefined ? WEEK_MS : 0), ...(run === undefined ? {} : { run }) };
  const preview = await context.reading(({ client }) => client.cleanable(query));
  if (preview.runs.length === 0 || !yes) {
    out.result(preview, () =>
      preview.runs.length === 0
        ? ['There is nothing to remove.']
        : [
            ...table(
              ['run', 'name', 'status', 'ended'],
              preview.runs.map((each) => [each.run, each.name, out.paint(statusTone(each.status), each.status), ago(each.endedAt, now())]),
              out.paint,
            ),
            '',
            `Facts, payloads, logs and folders of ${plural(preview.runs.length, 'run')} would be removed. Nothing was. To do it: add --yes`,
          ],
    );
    return EXIT.done;
  }
  return context.owning(async ({ client }) => {
    const cleaned = await client.clean(preview.runs.map((each) => each.run));
    const { facts = 0, blobs = 0, bytes: size = 0 } = cleaned.removed ?? {};
    out.result(cleaned, () => [
      `Removed ${plural(cleaned.runs.length, 'run')}: ${plural(facts, 'fact')}, ${plural(blobs, 'payload')} (${bytes(size)}), with logs and folders.`,
    ]);
    return EXIT.done;
  });
};
