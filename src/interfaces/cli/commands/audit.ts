import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { BatonError } from '../../../errors.ts';
import { didYouMean } from '../../../near.ts';
import type { ChainHeadView } from '../../api/shapes.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import { jsonLines } from '../json-lines.ts';
import { plural } from '../words.ts';

const WHAT = ['verify', 'head', 'export'] as const;

export const audit: Handler<{ readonly against?: string }> = (context, [what = '', run], { against }) =>
  context.reading(async ({ client }) => {
    const { out, cwd } = context;
    if (what === 'verify') {
      const heads = against === undefined ? undefined : headsIn(resolve(cwd, against));
      const found = await client.auditVerify({ ...(run === undefined ? {} : { run }), ...(heads === undefined ? {} : { heads }) });
      out.result(found, () => [
        ...found.breaks.map(
          ({ stream, seq, problem, message }) => `${out.paint('bad', '✗')} ${stream} at fact ${seq}: ${problem}. ${message}`,
        ),
        found.whole
          ? `${out.paint('good', '✓')} ${plural(found.facts, 'fact')} in ${plural(found.streams, 'stream')}: every chain holds${heads === undefined ? '' : `, and nothing was cut off since ${plural(heads.length, 'head')} was exported`}.`
          : `${plural(found.breaks.length, 'stream')} of ${found.streams} broken.`,
      ]);
      return found.whole ? EXIT.done : EXIT.failed;
    }
    if (what === 'head') {
      for (const head of await client.auditHeads())
        if (out.json) out.data(head);
        else out.say(`${head.stream} ${head.seq} ${head.hash}`);
      return EXIT.done;
    }
    if (what === 'export') {
      // The same for people and programs: it is meant to be kept.
      const { stdout } = out.streams;
      const full = run === undefined ? undefined : (await client.run(run)).run;
      for await (const fact of jsonLines(await client.facts(full)))
        if (!stdout.write(`${JSON.stringify(fact)}\n`)) await new Promise((drained) => stdout.once('drain', drained));
      for (const head of await client.auditHeads())
        if (full === undefined || head.stream === full) stdout.write(`${JSON.stringify({ head })}\n`);
      return EXIT.done;
    }
    const near = didYouMean(what, WHAT);
    throw new BatonError('USAGE', `"baton audit ${what}" means nothing.`, {
      hint: near ? `Did you mean "baton audit ${near}"?` : `One of: ${WHAT.join(', ')}`,
    });
  });

/** Heads as `audit head` printed them, with or without `--json`, or as they end an export. @throws BatonError `USAGE` */
function headsIn(file: string): ChainHeadView[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new BatonError('FILE_NOT_FOUND', `${file} can't be read.`, { where: file, cause: error });
  }
  const heads = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => headOf(line) ?? []);
  if (heads.length > 0) return heads;
  throw new BatonError('USAGE', `${file} has no heads.`, { where: file, hint: 'Make one: baton audit head --json > FILE' });
}

function headOf(line: string): ChainHeadView | undefined {
  const plain = /^(\S+) (\d+) ([0-9a-f]{64})$/.exec(line);
  if (plain) return { stream: plain[1] ?? '', seq: Number(plain[2]), hash: plain[3] ?? '' };
  try {
    const value = JSON.parse(line) as Partial<ChainHeadView> & { head?: ChainHeadView };
    if (value.head) return value.head;
    const { stream, seq, hash } = value;
    return stream !== undefined && seq !== undefined && hash !== undefined && !('fact' in value) ? { stream, seq, hash } : undefined;
  } catch {
    return undefined;
  }
}
