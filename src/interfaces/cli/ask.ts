/** Questions asked where the run is watched. A question that somebody else answers meanwhile goes away by itself. */
import { isCancel, log, select, text } from '@clack/prompts';
import type { InboxItem } from '../api/shapes.ts';
import type { BatonClient } from '../client/client.ts';
import { attentionTitle } from './asking.ts';
import { executableLines, summaryLines } from './tree-words.ts';
import { printable } from './width.ts';

/** `done`: it was answered, by whomever. `later`: leave it open. `interrupt`: Ctrl-C. */
export type Asked = 'done' | 'later' | 'interrupt';

export async function ask(item: InboxItem, client: BatonClient, signal: AbortSignal): Promise<Asked> {
  const change = item.change ? [...summaryLines(item.change, item.run), ...executableLines(item.change.executables)] : [];
  const words = [printable(item.text?.text ?? '').trim(), ...change].join('\n').trim();
  if (words !== '') log.message(words.length > 2_000 ? `${words.slice(0, 2_000)}…` : words);
  try {
    return await asked(item, client, signal);
  } catch (error) {
    if (signal.aborted) return 'done';
    // It was decided elsewhere in the same moment, or this user may not: the run goes on being watched.
    log.error(error instanceof Error ? error.message : String(error));
    return 'later';
  }
}

async function asked(item: InboxItem, client: BatonClient, signal: AbortSignal): Promise<Asked> {
  const message = printable(attentionTitle(item));
  const choose = async <T extends string>(options: Record<T, string>): Promise<T | 'interrupt'> => {
    const listed = Object.entries<string>(options).map(([value, label]) => ({ value, label }));
    const chosen = await select({ message, options: listed, signal });
    return isCancel(chosen) ? 'interrupt' : (chosen as T);
  };
  const note = async (): Promise<string | undefined> => {
    const typed = await text({ message: 'Why? (empty: no reason)', signal });
    return isCancel(typed) || typed === undefined || typed === '' ? undefined : typed;
  };
  switch (item.kind) {
    case 'approval': {
      const chosen = await choose({ approve: 'Approve', reject: 'Reject', later: 'Decide later' });
      if (chosen === 'later' || chosen === 'interrupt') return left(chosen, signal);
      const why = chosen === 'reject' ? await note() : undefined;
      await client.decide(item.run, item.approval, { decision: chosen, binds: item.binds, ...(why === undefined ? {} : { note: why }) });
      return 'done';
    }
    case 'question': {
      const typed = await text({ message: item.text?.schema ? `${message} (JSON)` : message, signal });
      if (isCancel(typed)) return left('interrupt', signal);
      if (typed === undefined || typed === '') return 'later';
      await client.answer(item.run, item.task, item.text?.schema ? JSON.parse(typed) : typed);
      return 'done';
    }
    case 'undecided': {
      const chosen = await choose({
        committed: 'It happened: go on',
        retry: 'It did not: try again',
        fail: 'Count it as failed',
        later: 'Decide later',
      });
      if (chosen === 'later' || chosen === 'interrupt') return left(chosen, signal);
      await client.decideTask(item.run, item.task, { decision: chosen });
      return 'done';
    }
    case 'blocked': {
      const chosen = await choose({ retry: 'Try again', later: 'Later' });
      if (chosen !== 'retry') return left(chosen, signal);
      await client.retry(item.run, item.task);
      return 'done';
    }
    case 'paused': {
      const chosen = await choose({ resume: 'Resume', later: 'Leave it paused' });
      if (chosen !== 'resume') return left(chosen, signal);
      await client.resume(item.run);
      return 'done';
    }
  }
}

const left = (chosen: 'later' | 'interrupt', signal: AbortSignal): Asked => (signal.aborted ? 'done' : chosen);

/** Ctrl-C: what shall become of the run? `here`: the engine ends with this process. */
export async function interrupted(here: boolean): Promise<'leave' | 'pause' | 'cancel' | 'watch'> {
  const chosen = await select({
    message: 'The run goes on meanwhile. What shall become of it?',
    options: [
      here
        ? { value: 'leave' as const, label: 'Stop here', hint: '`baton resume` goes on with it' }
        : { value: 'leave' as const, label: 'Leave it running', hint: 'in the background' },
      { value: 'pause' as const, label: 'Pause it', hint: 'nothing new starts' },
      { value: 'cancel' as const, label: 'Cancel it' },
      { value: 'watch' as const, label: 'Go on watching' },
    ],
  });
  return isCancel(chosen) ? 'leave' : chosen;
}
