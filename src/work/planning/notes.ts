import type { Finding, FindingCode, Repair } from './draft.ts';

/** What reading and mending a plan has changed, in order. */
export class Notes {
  readonly repairs: Repair[] = [];

  add(code: FindingCode, tasks: readonly string[], message: string): void {
    this.repairs.push({ code, tasks, message });
  }
}

export const refusal = (code: FindingCode, tasks: readonly string[], message: string, fix: string): Finding => ({
  code,
  level: 'refuse',
  tasks,
  message,
  fix,
});
export const note = (code: FindingCode, tasks: readonly string[], message: string, fix: string): Finding => ({
  ...refusal(code, tasks, message, fix),
  level: 'note',
});
