/**
 * What a stream carries. Every event has a position; whoever comes back with the position of the last one it took gets
 * what follows, without loss or repeat. Facts are durable before they are shown; live output is kept in a file per run.
 */
import type { Stored } from '../../engine/kernel/facts.ts';

export type StreamEvent =
  /** Facts in their order. `more`: others follow at once, because the reader is catching up or they were stored together. */
  | { readonly type: 'facts'; readonly position: Position; readonly facts: readonly Stored[]; readonly more: boolean }
  /** Live output of an attempt. */
  | { readonly type: 'output'; readonly position: Position; readonly output: Output };

/** How far a reader has come: facts taken, and bytes of the run's output file. Without output: only facts were asked for. */
export interface Position {
  readonly facts: number;
  readonly output?: number;
}

export const OUTPUT_KINDS = ['stdout', 'stderr', 'text', 'note'] as const;
export interface Output {
  readonly at: number;
  readonly task: string;
  readonly attempt: number;
  readonly kind: (typeof OUTPUT_KINDS)[number];
  readonly text: string;
}

/** As `Last-Event-ID` has it: `12`, or `12.3456`. */
export const positionText = ({ facts, output }: Position): string => (output === undefined ? String(facts) : `${facts}.${output}`);

/** @returns undefined for what is no position */
export function readPosition(text: string): Position | undefined {
  const found = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(text);
  if (!found) return undefined;
  return { facts: Number(found[1]), ...(found[2] === undefined ? {} : { output: Number(found[2]) }) };
}
