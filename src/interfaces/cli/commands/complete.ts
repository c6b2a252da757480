import type { Command } from 'commander';
import { type Context, EXIT } from '../context.ts';
import { nameOf, SPECS } from '../specs.ts';

/** Newest runs offered. */
const RUNS = 50;

/**
 * What may stand where the cursor is, one a line; nothing where a file may. Never fails: a shell shows no errors here.
 * @param words what was typed after the program's name, the last one as far as it is typed
 */
export async function complete(context: Context, words: readonly string[], program: Command): Promise<number> {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1).filter((word) => !word.startsWith('-'));
  const found = await candidates(context, before, typed, program).catch(() => []);
  for (const each of found) if (each.startsWith(typed)) context.out.streams.stdout.write(`${each}\n`);
  return EXIT.done;
}

async function candidates(context: Context, before: readonly string[], typed: string, program: Command): Promise<readonly string[]> {
  const [name, ...args] = before;
  const command = program.commands.find((each) => each.name() === name);
  if (typed.startsWith('-')) return [...program.options, ...(command?.options ?? [])].flatMap(({ long }) => long ?? []);
  if (name === undefined) return [...SPECS.map(nameOf), 'help'];
  if (name === 'completion') return ['bash', 'zsh', 'fish'];
  if (name === 'audit' && args.length === 0) return ['verify', 'head', 'export'];
  if (name === 'knowledge' && args.length === 0) return (await import('./knowledge.ts')).KNOWLEDGE_VERBS;
  if (name === 'knowledge' && (args[0] === 'show' || args[0] === 'forget'))
    return context.reading(async ({ client }) => (await client.knowledge({ cwd: context.cwd })).map(({ id }) => id));
  const wanted = SPECS.find((spec) => nameOf(spec) === name)?.completes?.[args.length];
  if (wanted === 'run')
    return context.reading(async ({ client }) => ['last', ...(await client.runs({ limit: RUNS })).map(({ run }) => run)]);
  if (wanted === 'task') return context.reading(async ({ client }) => (await client.run(args[0] ?? 'last')).taskList.map(({ id }) => id));
  return [];
}
