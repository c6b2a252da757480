/** What the resolver reads from the blob store, parsed once: sources of runs, definitions and results. */
import type { Blobs } from '../../engine/host/host.ts';
import type { Hash } from '../../engine/kernel/plan.ts';
import { BatonError } from '../../errors.ts';
import type { Definition, HandoffContent } from '../planning/definition.ts';
import { Kept } from './kept.ts';
import type { CheckedFile } from './load.ts';
import type { RunSource } from './plan.ts';
import { reopen, reopenFile } from './reopen.ts';
import { workflow } from './schema.ts';

export interface OpenSource {
  readonly source: RunSource;
  readonly files: ReadonlyMap<string, CheckedFile>;
}

/** Bytes of blobs that are kept parsed. */
const BYTES_MAX = 32 * 1024 * 1024;

export class Stored {
  private readonly sources = new Kept<OpenSource>(BYTES_MAX);
  private readonly definitions = new Kept<Definition>(BYTES_MAX);
  private readonly contents = new Kept<HandoffContent>(BYTES_MAX);
  private readonly plans = new Kept<CheckedFile>(BYTES_MAX);
  private readonly files = new Kept<CheckedFile>(BYTES_MAX);

  /** @throws BatonError `PAYLOAD_MISSING`, as the others do */
  source(hash: Hash, blobs: Pick<Blobs, 'get'>): OpenSource {
    return this.read(this.sources, hash, blobs, 'The source of this run', (payload) => {
      const source = JSON.parse(payload) as RunSource;
      return { source, files: reopen(source) };
    });
  }

  definition(hash: Hash, blobs: Pick<Blobs, 'get'>): Definition {
    return this.read(this.definitions, hash, blobs, 'The definition of this task', (payload) => JSON.parse(payload) as Definition);
  }

  content(hash: Hash, blobs: Pick<Blobs, 'get'>): HandoffContent {
    return this.read(this.contents, hash, blobs, 'A result that this task reads', (payload) => JSON.parse(payload) as HandoffContent);
  }

  /** The workflow that a planner handed back. @throws BatonError `PLAN_INVALID` too */
  planned(hash: Hash, blobs: Pick<Blobs, 'get'>): CheckedFile {
    return this.read(this.plans, hash, blobs, 'The plan', (payload) => {
      const { outputs } = JSON.parse(payload) as HandoffContent;
      const parsed = workflow.safeParse(outputs['workflow']);
      if (!parsed.success) throw new BatonError('PLAN_INVALID', `The plan (${hash.slice(0, 12)}) is no workflow.`, { cause: parsed.error });
      return { file: 'plan', sha256: hash, text: JSON.stringify(outputs['workflow'], undefined, 2), value: parsed.data, uses: {} };
    });
  }

  /** A workflow that was changed while its run went on. @param file what it is called */
  changed(hash: Hash, blobs: Pick<Blobs, 'get'>, file: string): CheckedFile {
    return this.read(this.files, hash, blobs, 'The changed plan', (text) => reopenFile(file, hash, text));
  }

  private read<T>(kept: Kept<T>, hash: Hash, blobs: Pick<Blobs, 'get'>, what: string, parse: (payload: string) => T): T {
    const known = kept.get(hash);
    if (known !== undefined) return known;
    const payload = blobs.get(hash);
    if (!payload) throw new BatonError('PAYLOAD_MISSING', `${what} (${hash.slice(0, 12)}) was removed.`);
    return kept.keep(hash, parse(Buffer.from(payload).toString('utf8')), payload.length);
  }
}
