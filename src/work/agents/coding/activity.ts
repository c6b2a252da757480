/**
 * What a coding agent does, as far as it tells: the same few events, whichever agent it is and whatever way in was
 * taken. Watched for loops and standstill, shown in the log, and read for the end of a turn.
 */
export type Activity =
  /** Its conversation has this name, and can be gone on with. */
  | { readonly type: 'session'; readonly id: string }
  /** Something said; a part of the message named, or a message of its own. */
  | { readonly type: 'text'; readonly text: string; readonly message?: string }
  | { readonly type: 'thought' }
  | { readonly type: 'tool'; readonly call: string; readonly name: string; readonly input: unknown; readonly title?: string }
  | { readonly type: 'tool-end'; readonly call: string; readonly ok: boolean }
  /** What the agent itself counted; never booked, only compared. `whole`: since its conversation began. */
  | { readonly type: 'usage'; readonly inputTokens: number; readonly outputTokens: number; readonly whole?: boolean }
  /** It was not allowed to do something. */
  | { readonly type: 'denied'; readonly what: string }
  /** It met trouble and goes on trying. No progress. */
  | { readonly type: 'trouble'; readonly text: string }
  /** The turn is over. Only this is an end: an exit code is none. */
  | { readonly type: 'end'; readonly ok: true; readonly cut?: boolean }
  | { readonly type: 'end'; readonly ok: false; readonly says: string; readonly status?: number };

/** Activities that show that work goes on. */
export const isProgress = ({ type }: Activity): boolean => type === 'text' || type === 'thought' || type === 'tool' || type === 'tool-end';
