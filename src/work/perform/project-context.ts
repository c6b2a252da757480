/** What a planner may know of the project: the names of its files, and the few files that describe it. */
import { describeProject, describing, NO_PROJECT, type ProjectContext } from '../planning/context.ts';
import { readText } from '../tools/files/access.ts';
import { treeOf } from '../tools/files/tree.ts';
import type { Place } from './place.ts';

/** Files that are counted, folders that are gone into, and bytes that are read of a file. */
const [FILES_MAX, DEPTH_MAX, TEXT_MAX] = [20_000, 12, 256 * 1024];
/** Longest that looking may take. What was not reached by then is not told. */
const LOOK_MS = 10_000;

/** Without a checkout a task works in an empty folder, and there is nothing to tell. */
export async function projectIn({ workspace, real: folder }: Pick<Place, 'workspace' | 'real'>): Promise<ProjectContext> {
  if (!workspace) return NO_PROJECT;
  const signal = AbortSignal.timeout(LOOK_MS);
  const files: string[] = [];
  try {
    for await (const { path, entry } of treeOf(folder, '.', { depthMax: DEPTH_MAX, signal })) {
      if (entry.kind === 'file' && files.push(path) >= FILES_MAX) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const texts = new Map<string, string>();
  for (const path of describing(files)) {
    const text = await readText(folder, path, TEXT_MAX);
    if (text !== undefined) texts.set(path, text);
  }
  return describeProject(files, texts);
}
