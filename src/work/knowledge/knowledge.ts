/**
 * What was learnt in earlier work, found again by its words. An entry is what somebody wrote, with who that was: it is
 * handed out as data of theirs, and what an agent wrote is never taken for true because it is stored here.
 */

/** What is to be kept. */
export interface NewEntry {
  readonly text: string;
  readonly title?: string;
  readonly tags?: readonly string[];
  /** Where its writer says it is from: an address, or an artifact. */
  readonly source?: string;
}

/** Who writes: the work of an attempt, or a person. */
export type Writer =
  | { readonly run: string; readonly task: string; readonly attempt: number; readonly agent?: string }
  | { readonly person: string };

export interface Provenance {
  readonly by: Writer;
  readonly source?: string;
  /** ISO 8601. */
  readonly at: string;
  /** Only what a person put. */
  readonly trusted: boolean;
}

export interface Entry {
  readonly id: string;
  /** Empty where it has none. */
  readonly title: string;
  readonly tags: readonly string[];
  readonly text: string;
  readonly from: Provenance;
}
/** An entry with only the part of its text that was asked for. */
export type Found = Omit<Entry, 'text'> & { readonly snippet: string };

/** The entries of one project, as one writer has them. All of it throws BatonError `KNOWLEDGE_…` or `DISK_FULL` for what the disk does. */
export interface Knowledge {
  /** The same by the same task, in whatever attempt, is one entry. @throws BatonError `KNOWLEDGE_TOO_LARGE`, `KNOWLEDGE_FULL` */
  put(entry: NewEntry): { readonly id: string; readonly isNew: boolean };
  /** Best first: those that have most of the words, in the title before the text. @throws BatonError `KNOWLEDGE_QUERY` when there is no word in it */
  search(query: string, max: number): readonly Found[];
  /** The newest first, with the beginnings of their texts. */
  list(max: number): readonly Found[];
  get(id: string): Entry | undefined;
  /** Whether it was there. @throws AttemptError `KNOWLEDGE_TRUSTED` for work that would take away what a person put */
  forget(id: string): boolean;
}

export interface KnowledgeLimits {
  /** Most bytes of the text of one entry. */
  readonly textBytes: number;
  /** Most entries of one project. */
  readonly entries: number;
}
export const KNOWLEDGE_LIMITS: KnowledgeLimits = { textBytes: 32 * 1024, entries: 10_000 };
