/** The files of a run's source, as they were checked when it was created. */
import { readSource } from './document.ts';
import { type CheckedFile, usedPath } from './load.ts';
import type { RunSource } from './plan.ts';
import { workflow } from './schema.ts';

export function reopen(source: RunSource): ReadonlyMap<string, CheckedFile> {
  const files = new Map<string, CheckedFile>();
  for (const [key, { sha256, text }] of Object.entries(source.files)) {
    const value = workflow.parse(readSource(key, Buffer.from(text)).value);
    const uses = Object.fromEntries(
      Object.entries(value.tasks).flatMap(([id, task]) => (task.uses === undefined ? [] : [[id, usedPath(key, task) ?? '']])),
    );
    files.set(key, { file: key, sha256, text, value, uses });
  }
  return files;
}
