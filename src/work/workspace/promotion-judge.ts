/**
 * May this change come into the user's tree? It was judged task by task before; here it is judged once more as what it
 * is after the merge, whatever the way it came.
 */
import { linkStaysInside } from './paths.ts';
import type { Change, ChangeRules, Promoted, Quota, Trees, Violation } from './workspace.ts';

export type Refusal = Extract<Promoted, { readonly ok: false }>;

const LINK = '120000';
/** How many paths a message names. */
const NAMED_MAX = 5;

export interface Judged {
  readonly changes: readonly Change[];
  readonly rules: ChangeRules;
  readonly quota: Quota;
  /** Paths that are Baton's own. */
  readonly own: readonly string[];
  /** What a link that is added points to. */
  readonly linkTo: (path: string) => string;
}

export function refusalOf(trees: Pick<Trees, 'judge'>, { changes, rules, quota, own, linkTo }: Judged): Refusal | undefined {
  const violations = [
    ...trees.judge(changes, rules),
    ...changes.flatMap(({ path, mode, kind }): Violation[] => {
      if (own.some((each) => path === each || path.startsWith(`${each}/`))) return [{ path, code: 'PROTECTED', message: 'is Baton’s own' }];
      // The name was not UTF-8: what is left of it names another file.
      if (path.includes('\uFFFD')) return [{ path, code: 'PATH_UNSAFE', message: 'is not UTF-8' }];
      if (mode === LINK && kind !== 'deleted' && !staysInside(path, linkTo(path)))
        return [{ path, code: 'SYMLINK', message: `links to ${linkTo(path)}` }];
      return [];
    }),
  ];
  if (violations.length > 0) return refused(violations);
  const files = changes.filter(({ kind }) => kind !== 'deleted').length;
  const bytes = changes.reduce((sum, { size }) => sum + size, 0);
  if (files > quota.files) return tooMuch('files', quota.files, files);
  return bytes > quota.bytes ? tooMuch('bytes', quota.bytes, bytes) : undefined;
}

/** A step up after a step down would go through whatever that name is by then. */
function staysInside(path: string, to: string): boolean {
  const names = to.split('/');
  const down = names.findIndex((name) => name !== '..' && name !== '.');
  return linkStaysInside(path, to) && (down < 0 || !names.slice(down).includes('..'));
}

const refused = (violations: readonly Violation[]): Refusal => ({
  ok: false,
  code: 'PROMOTION_REFUSED',
  message: `May not come into the project: ${some(violations.map(({ path, message }) => `${path} (${message})`))}.`,
  paths: [...new Set(violations.map(({ path }) => path))],
});

const tooMuch = (what: 'files' | 'bytes', limit: number, value: number): Refusal => ({
  ok: false,
  code: 'QUOTA_EXCEEDED',
  message: `limit quota.${what} = ${limit}: the change has ${value}.`,
  paths: [],
});

/** The first of many, and how many more there are. */
export const some = (names: readonly string[]): string =>
  names.length <= NAMED_MAX ? names.join(', ') : `${names.slice(0, NAMED_MAX).join(', ')} and ${names.length - NAMED_MAX} more`;
