import { text as readText } from 'node:stream/consumers';
import { BatonError } from '../../../errors.ts';
import { didYouMean } from '../../../near.ts';
import type { KnowledgeEntry, KnowledgeSummary } from '../../api/shapes.ts';
import type { Handler } from '../command.ts';
import { type Context, EXIT } from '../context.ts';
import { table } from '../output.ts';
import { cut, printable } from '../width.ts';
import { ago } from '../words.ts';

/** What follows `baton knowledge`. */
export const KNOWLEDGE_VERBS = ['list', 'search', 'show', 'put', 'forget'] as const;

interface KnowledgeOptions {
  readonly title?: string;
  readonly tag?: readonly string[];
  readonly source?: string;
  readonly limit?: number;
}

export const knowledge: Handler<KnowledgeOptions> = (context, [what = 'list', given], options) => {
  switch (what) {
    case 'list':
      return list(context, undefined, options.limit);
    case 'search':
      return list(context, needed(what, given), options.limit);
    case 'show':
      return show(context, needed(what, given));
    case 'put':
      return put(context, needed(what, given), options);
    case 'forget':
      return forget(context, needed(what, given));
    default: {
      const near = didYouMean(what, KNOWLEDGE_VERBS);
      throw new BatonError('USAGE', `"baton knowledge ${what}" means nothing.`, {
        hint: near ? `Did you mean "baton knowledge ${near}"?` : `One of: ${KNOWLEDGE_VERBS.join(', ')}`,
      });
    }
  }
};

/** @throws BatonError `USAGE` */
function needed(what: string, given: string | undefined): string {
  if (given !== undefined) return given;
  throw new BatonError('USAGE', `"baton knowledge ${what}" needs one more word.`, { hint: 'See baton help knowledge' });
}

const list = (context: Context, words: string | undefined, limit: number | undefined): Promise<number> =>
  context.reading(async ({ client }) => {
    const { out, now, cwd } = context;
    const entries = await client.knowledge({ cwd, ...(words === undefined ? {} : { words }), ...(limit === undefined ? {} : { limit }) });
    if (out.json) for (const entry of entries) out.data(entry);
    else if (entries.length === 0) out.say(words === undefined ? 'Nothing is kept for this project.' : 'No entry has any of these words.');
    else
      out.say(
        ...table(
          ['entry', 'kept', 'by', ''],
          entries.map((entry) => [entry.id, ago(entry.at, now()), writerOf(entry), cut(headOf(entry), HEAD_COLUMNS)]),
          out.paint,
        ),
      );
    return EXIT.done;
  });

const HEAD_COLUMNS = 80;
const headOf = ({ title, snippet }: KnowledgeSummary): string => printable(title || snippet).replaceAll(/\s+/g, ' ');

const writerOf = ({ by }: Pick<KnowledgeEntry, 'by'>): string => ('person' in by ? by.person : `${by.run}/${by.task}`);

const show = (context: Context, id: string): Promise<number> =>
  context.reading(async ({ client }) => {
    const entry = await client.knowledgeEntry(id, context.cwd);
    context.out.result(entry, () => {
      const { title, tags, source, at, trusted, text } = entry;
      const said = [
        `${id}${title === '' ? '' : `: ${title}`}`,
        `written ${new Date(at).toISOString()} by ${writerOf(entry)}${trusted ? '' : ', not confirmed by a person'}`,
        ...(source === undefined ? [] : [`source: ${source}`]),
        ...(tags.length === 0 ? [] : [`tags: ${tags.join(', ')}`]),
      ];
      return [...said.map((line) => context.out.paint('dim', printable(line))), '', printable(text)];
    });
    return EXIT.done;
  });

const put = (context: Context, typed: string, { title, tag, source }: KnowledgeOptions): Promise<number> =>
  context.owning(async ({ client }) => {
    const { out, cwd } = context;
    const text = typed === '-' ? await readText(out.streams.stdin) : typed;
    const more = {
      ...(title === undefined ? {} : { title }),
      ...(tag ? { tags: [...tag] } : {}),
      ...(source === undefined ? {} : { source }),
    };
    const kept = await client.keep({ cwd, text, ...more });
    out.result(kept, () => [kept.isNew ? `Kept as ${kept.id}.` : `It is there already, as ${kept.id}.`]);
    return EXIT.done;
  });

const forget = (context: Context, id: string): Promise<number> =>
  context.owning(async ({ client }) => {
    const forgotten = await client.forget(id, context.cwd);
    context.out.result(forgotten, () => [`${id} is forgotten.`]);
    return EXIT.done;
  });
