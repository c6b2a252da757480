/** Which keys belong to which kind of task: one that means nothing where it stands is a mistake, not a comment. */
import type { Kind } from './names.ts';
import type { TaskEntry } from './schema.ts';

type Key = Exclude<keyof TaskEntry, Kind>;

const AGENTS: readonly Kind[] = ['agent', 'capability'];
const WORK: readonly Kind[] = ['run', 'tool', 'call', ...AGENTS];

/** Keys that are not listed belong to every task. */
const BELONGS: Partial<Record<Key, readonly Kind[]>> = {
  carryOut: ['plan'],
  prompt: AGENTS,
  schema: AGENTS,
  with: ['tool', 'call', 'uses', ...AGENTS],
  env: ['run', ...AGENTS],
  in: ['run'],
  probe: ['run', 'tool', 'call'],
  by: ['approve'],
  idempotent: WORK,
  onLost: WORK,
  retry: [...WORK, 'plan'],
  rework: WORK,
  gate: WORK,
  writes: WORK,
  network: WORK,
  budget: [...WORK, 'plan'],
  timeout: [...WORK, 'plan'],
};

const WHY: Partial<Record<Key, string>> = {
  in: '`in: project` is a right of commands the user wrote, never of an agent',
  schema: 'a command gives `stdout`, `stderr`, `exitCode` and `json`, or writes a handoff of its own',
  timeout: 'how long to wait for a person stands in `approval: { timeout: … }`',
};

/** Keys of a task that mean nothing for its kind, each with what to say about it. */
export function misplaced(task: TaskEntry, kind: Kind): { readonly key: Key; readonly message: string }[] {
  const found: { key: Key; message: string }[] = [];
  for (const [key, kinds] of Object.entries(BELONGS) as [Key, readonly Kind[]][]) {
    if (task[key] === undefined || kinds.includes(kind)) continue;
    const why = key === 'timeout' && kind !== 'approve' ? undefined : WHY[key];
    found.push({
      key,
      message: `\`${key}\` means nothing for a task with \`${kind}\`; it belongs to ${kinds.map((each) => `\`${each}\``).join(', ')}${why ? `: ${why}` : ''}`,
    });
  }
  if (task.maxParallel !== undefined && task.foreach === undefined)
    found.push({ key: 'maxParallel', message: '`maxParallel` bounds a `foreach`, and this task has none' });
  return found;
}
