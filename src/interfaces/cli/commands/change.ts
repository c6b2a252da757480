import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { BatonError } from '../../../errors.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import { planLineText } from '../plan-lines.ts';

export interface ChangeOptions {
  readonly drop?: readonly string[];
  /** Agents by the task. */
  readonly route?: Readonly<Record<string, string>>;
  readonly dryRun?: boolean;
}

export const change: Handler<ChangeOptions> = (context, [typed = '', file], { drop = [], route, dryRun }) => {
  const { out, cwd } = context;
  const read = file === undefined ? {} : readChange(resolve(cwd, file));
  const asked = {
    ...read,
    ...(drop.length > 0 ? { drop: [...listOf(read['drop']), ...drop] } : {}),
    ...(route ? { route: { ...(read['route'] as object | undefined), ...route } } : {}),
  };
  if (Object.keys(asked).length === 0)
    throw new BatonError('USAGE', 'There is nothing to change.', {
      hint: 'Name a file, or use --drop or --route. See `baton help change`.',
    });
  return context.owning(async ({ client }) => {
    const { run } = await client.run(typed);
    const preview = await client.previewChange(run, asked);
    const reply = dryRun ? undefined : await client.change(run, asked, preview.version);
    out.result({ ...preview, ...(reply ? { seq: reply.seq } : {}) }, () => [
      ...preview.lines.map((line) => planLineText(line, out.paint)),
      reply === undefined
        ? 'Nothing was changed.'
        : preview.asks
          ? `It waits for an approval: baton inbox ${run}`
          : `Run ${run} goes on with the changed plan.`,
    ]);
    return EXIT.done;
  });
};

function readChange(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new BatonError('FILE_NOT_FOUND', `There is no file ${path}.`, { where: path, cause });
  }
  const document = parseDocument(text);
  const [wrong] = document.errors;
  const value: unknown = wrong ? undefined : document.toJS();
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BatonError('CHANGE_INVALID', wrong?.message ?? 'A change is a map with insert, add, drop, route or split.', { where: path });
  return value as Record<string, unknown>;
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
