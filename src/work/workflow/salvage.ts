/**
 * What can still be checked of a file whose shape is wrong: the same value without the wrong parts. Names stay, so that
 * one mistake does not look like many; which entries were damaged is told, so that what they lack is not held against them.
 */
import type { z } from 'zod';
import type { Path } from './document.ts';
import { leaves } from './shape.ts';

export interface Salvaged<T> {
  readonly value: T;
  /** `inputs` where a whole section is gone, `tasks.fix` where something of an entry is. */
  readonly damaged: ReadonlySet<string>;
}

/** How often what is still wrong is cut out with more of what surrounds it. */
const CUTS_MAX = 6;
/** What takes the place of an entry that is wrong as a whole, or of a key at the top that is missing. */
const ENTRIES: Readonly<Record<string, unknown>> = { tasks: {}, agents: {}, inputs: { type: 'object' } };
const TOP: Readonly<Record<string, unknown>> = { version: 1, name: 'unnamed' };

export function salvage<T>(value: unknown, schema: z.ZodType<T>): Salvaged<T> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const copy = structuredClone(value) as Record<string, unknown>;
  const damaged = new Set<string>();
  const tried = new Set<string>();
  for (let cut = 0; cut <= CUTS_MAX; cut++) {
    const result = schema.safeParse(copy, { reportInput: true });
    if (result.success) return { value: result.data, damaged };
    for (const { issue, path } of result.error.issues.flatMap(leaves)) {
      if (issue.code === 'unrecognized_keys') for (const key of issue.keys) remove(copy, [...path, key], damaged);
      else if (issue.input === undefined && path.length === 1) copy[String(path[0])] = TOP[String(path[0])];
      else {
        // What is missing, or still wrong once it was replaced, is wrong with what surrounds it.
        const again = issue.input === undefined || tried.has(JSON.stringify(path));
        tried.add(JSON.stringify(path));
        remove(copy, again ? path.slice(0, -1) : path, damaged);
      }
    }
  }
  return undefined;
}

function remove(root: Record<string, unknown>, path: Path, damaged: Set<string>): void {
  const [section, entry] = path;
  if (section === undefined) return;
  damaged.add(entry === undefined ? String(section) : `${section}.${entry}`);
  const last = path.at(-1) ?? '';
  let at: unknown = root;
  for (const step of path.slice(0, -1))
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[String(step)] : undefined;
  if (typeof at !== 'object' || at === null) return;
  const standIn = path.length === 2 ? ENTRIES[String(section)] : Array.isArray(at) ? inList(path.at(-2)) : undefined;
  if (standIn === undefined) delete (at as Record<string, unknown>)[String(last)];
  else (at as Record<string, unknown>)[String(last)] = structuredClone(standIn);
}

/** Items of lists are replaced, so that those behind them keep their places. */
const inList = (list: string | number | undefined): unknown => (list === 'gate' ? { run: 'true' } : list === 'on' ? 'transient' : 'x');
