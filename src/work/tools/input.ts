/** Holds arguments against what a tool takes: every problem with its path, so that a file can be told its line. */
import { z } from 'zod';
import type { Tool } from './tool.ts';

export interface InputProblem {
  /** Of the value that is wrong, or where one is missing; of the map that has an unknown key. */
  readonly path: readonly (string | number)[];
  readonly kind: 'unknown' | 'missing' | 'wrong';
  /** The unknown key. */
  readonly key?: string;
  /** What is known instead of it. */
  readonly keys?: readonly string[];
  readonly message: string;
}

/** Nothing where they fit. */
export const inputProblems = ({ input }: Pick<Tool, 'input'>, value: unknown): readonly InputProblem[] => {
  const parsed = input.safeParse(value, { reportInput: true });
  if (parsed.success) return [];
  const known = input instanceof z.ZodObject ? Object.keys(input.shape) : [];
  return parsed.error.issues.flatMap((issue): readonly InputProblem[] => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path, kind: 'unknown', key, keys: known, message: `there is no argument "${key}"` }));
    const missing = path.length > 0 && issue.input === undefined && 'input' in issue;
    return [{ path, kind: missing ? 'missing' : 'wrong', message: messageOf(issue) }];
  });
};

/** For whoever called: `path: what is wrong with it`. */
export const problemText = ({ path, message }: InputProblem): string => (path.length === 0 ? message : `${path.join('.')}: ${message}`);

/** What is inside of an issue says more than that there is one. */
const messageOf = (issue: z.core.$ZodIssue): string => {
  const inner = issue.code === 'invalid_union' ? issue.errors.map((each) => each[0]) : issue.code === 'invalid_key' ? issue.issues : [];
  const messages = inner.flatMap((each) => (each === undefined ? [] : [messageOf(each)]));
  return messages.length === 0 ? issue.message : [...new Set(messages)].join(', or ');
};
