/** The log of a process: JSON lines by pino, or the same made readable on a terminal. */
import { type Logger, pino } from 'pino';
import { readable } from './readable.ts';

export type { Logger };

export interface LogOptions {
  /** Least level shown: `debug`, `info`, `warn`, `error`. Default `info`. */
  readonly level?: string;
  readonly readable: boolean;
  /** Where lines go. May not throw. */
  write(text: string): void;
}

export function createLog({ level = 'info', readable: forPeople, write }: LogOptions): Logger {
  const options = { level, base: { pid: process.pid }, timestamp: () => `,"time":"${new Date().toISOString()}"` };
  return pino(options, { write: (line) => write(forPeople ? readable(line) : line) });
}
