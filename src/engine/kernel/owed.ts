/**
 * What the state says the world still has to do. Derived from the state, never stored, with ids that are the same
 * after a crash: a performer that forgets is reminded, one that repeats itself is recognised.
 */
import type { Commit, Hash } from './plan.ts';

export type Owed =
  /** Resolve expressions, in the turn. `round` counts the visits of a container. */
  | { readonly type: 'resolve'; readonly id: string; readonly task: string; readonly round: number }
  /** Find a slot and ask for `task.start`. Smaller `key`, then smaller `index`, first. */
  | {
      readonly type: 'start';
      readonly id: string;
      readonly task: string;
      readonly attempt: number;
      readonly agent: string;
      readonly key: number;
      readonly index: number;
    }
  | { readonly type: 'attempt'; readonly id: string; readonly task: string; readonly attempt: number; readonly agent: string }
  /** End a running attempt, by force after its grace period. */
  | { readonly type: 'stop'; readonly id: string; readonly task: string; readonly attempt: number }
  | { readonly type: 'probe'; readonly id: string; readonly task: string; readonly attempt: number }
  | {
      readonly type: 'gate';
      readonly id: string;
      readonly task: string;
      readonly attempt: number;
      readonly gate: number;
      readonly result: Hash;
      /** What it looks at: the merged tree, or the one an attempt without changes started from. */
      readonly tree?: Commit;
    }
  /** Snapshot the user's tree: the integration tree begins with it. */
  | { readonly type: 'snapshot'; readonly id: string }
  /** Merge what an attempt changed (`change`, made from `base`) onto the integration tree. */
  | {
      readonly type: 'integrate';
      readonly id: string;
      readonly task: string;
      readonly attempt: number;
      readonly change: Commit;
      readonly base: Commit;
      readonly onto: Commit;
    }
  | { readonly type: 'restore'; readonly id: string; readonly task: string; readonly to: Commit; readonly paths?: readonly string[] }
  /** Carry `tree`, which grew from `base`, into the user's tree, and commit it on a branch if one is named; or put back what that replaced. */
  | {
      readonly type: 'promote';
      readonly id: string;
      readonly promotion: string;
      readonly undo: boolean;
      readonly base: Commit;
      readonly tree: Commit;
      readonly branch?: string;
    }
  /** Ask for `timer.fire` at this time or later (milliseconds since the epoch). */
  | { readonly type: 'timer'; readonly id: string; readonly timer: string; readonly at: number }
  /** Hand a message to the running attempt. */
  | {
      readonly type: 'deliver';
      readonly id: string;
      readonly task: string;
      readonly attempt: number;
      readonly message: string;
      readonly body: Hash;
    }
  /** Tell somebody that a person is needed; `subject` names an approval, a question or a task. */
  | {
      readonly type: 'notify';
      readonly id: string;
      readonly what: 'approval' | 'question' | 'undecided' | 'blocked';
      readonly subject: string;
    }
  /** Messages to the grants stream, repeated until acknowledged. */
  | {
      readonly type: 'acquire';
      readonly id: string;
      readonly task: string;
      readonly request: string;
      readonly scope: string;
      readonly claims: readonly string[];
      readonly key: number;
    }
  | { readonly type: 'release'; readonly id: string; readonly task: string; readonly request: string }
  /** Owed by the grants stream: tell a run that its request was granted. */
  | {
      readonly type: 'granted';
      readonly id: string;
      readonly request: string;
      readonly run: string;
      readonly task: string;
      readonly epoch: number;
    };

export type OwedType = Owed['type'];
export type OwedOf<T extends OwedType> = Extract<Owed, { type: T }>;

/** How a step changed what is owed. */
export interface OwedChange {
  readonly added: Owed[];
  readonly removed: Owed[];
}

/** Replaces what a holder owes and records the difference. */
export function owe(holder: { owed: readonly Owed[] }, now: readonly Owed[], change: OwedChange): void {
  const before = holder.owed;
  if (before.length === 0 && now.length === 0) return;
  for (const owed of before) if (!now.some((other) => other.id === owed.id)) change.removed.push(owed);
  for (const owed of now) if (!before.some((other) => other.id === owed.id)) change.added.push(owed);
  holder.owed = now;
}
