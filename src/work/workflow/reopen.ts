/** The files of a run's source, as they were checked when it was created. */
import { readSource } from './document.ts';
import { type CheckedFile, usedPath } from './load.ts';
import type { RunSource } from './plan.ts';
import { workflow } from './schema.ts';

export const reopen = (source: RunSource): ReadonlyMap<string, CheckedFile> =>
  new Map(Object.entries(source.files).map(([key, { sha256, text }]) => [key, reopenFile(key, sha256, text)]));

export function reopenFile(file: string, sha256: string, text: string): CheckedFile {
  const value = workflow.parse(readSource(file, Buffer.from(text)).value);
  const uses = Object.fromEntries(
    Object.entries(value.tasks).flatMap(([id, task]) => (task.uses === undefined ? [] : [[id, usedPath(file, task) ?? '']])),
  );
  return { file, sha256, text, value, uses };
}
