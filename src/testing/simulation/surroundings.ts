/** What the parts of a world share. */
import type { MemoryJournal } from '../../engine/journal/memory.ts';
import type { Checker } from './checker.ts';
import type { Coverage } from './coverage.ts';
import type { Planted, SabotagedHost } from './faults.ts';
import type { Random } from './random.ts';

/** Something under way that waits for the world's leave to go on. */
export interface Flight {
  readonly what: 'attempt' | 'gate' | 'probe' | 'tree';
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  readonly host: SabotagedHost;
  readonly go: () => void;
  readonly deaf: boolean;
}

export interface Surroundings {
  readonly random: Random;
  readonly coverage: Coverage;
  readonly checker: Checker;
  readonly fault: Planted | undefined;
  readonly time: number;
  /** The present owner, and what it stores in. */
  readonly journal: MemoryJournal;
  readonly host: SabotagedHost;
  flights: Flight[];
  /** Nothing disturbs any more, and people answer everything. */
  readonly closing: boolean;
  /** Calls that model steps really made, by run. */
  readonly used: Map<string, number>;
  /** What is put is kept by whoever put it, who puts all of it again when it repeats itself. */
  put(payload: string): string;
  putAgain(): void;
  tell(line: string): void;
  /** A rule is broken where nobody can throw. */
  fail(error: unknown): void;
}
