/** Which paths may be written at all, and which a rule means. */
import { posix } from 'node:path';
import type { Change, ChangeRules, Violation } from './workspace.ts';

const PATH_MAX = 4_000;
/** Characters that some file systems leave out when they compare names. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;
const SHORT_GIT = /^git~\d+$/i;

/** Why a path may not be written anywhere, or nothing. */
export function badPath(path: string): string | undefined {
  if (path === '' || path.length > PATH_MAX) return `has ${path.length} characters`;
  if (path.startsWith('/')) return 'is absolute';
  if (/[\0\\]/.test(path)) return 'has a character that is no part of a name';
  for (const name of path.split('/')) {
    if (name === '' || name === '.' || name === '..') return 'is not in its plain form';
    if (isGit(name)) return 'is git’s own';
    if (RESERVED.test(name) || /[. ]$/.test(name) || name.includes(':')) return 'is no name on every system';
  }
  return undefined;
}

const isGit = (name: string): boolean =>
  name
    .normalize('NFKC')
    .replace(INVISIBLE, '')
    .replace(/[. ]+$/, '')
    .toLowerCase() === '.git' || SHORT_GIT.test(name);

const LINK = '120000';
const MODES: ReadonlySet<string> = new Set(['100644', '100755', LINK]);

export function judge(changes: readonly Change[], rules: ChangeRules): Violation[] {
  const writes = rules.writes?.map(matcher);
  const guarded = (rules.protected ?? []).map(matcher);
  const isContract = (rules.contracts ?? []).map(matcher);
  return changes.flatMap(({ path, mode, kind }): Violation[] => {
    const bad = badPath(path);
    if (bad !== undefined) return [{ path, code: 'PATH_UNSAFE', message: bad }];
    if (mode === '160000') return [{ path, code: 'NESTED_REPOSITORY', message: 'is a repository inside the repository' }];
    if (!MODES.has(mode)) return [{ path, code: 'MODE_FORBIDDEN', message: `has mode ${mode}` }];
    if (mode === LINK && kind !== 'deleted' && !rules.symlinks) return [{ path, code: 'SYMLINK', message: 'is a symbolic link' }];
    if (guarded.some((matches) => matches(path))) return [{ path, code: 'PROTECTED', message: 'is protected' }];
    if (writes && !writes.some((matches) => matches(path)))
      return [{ path, code: 'OUTSIDE_WRITES', message: `is outside what the task may change (${rules.writes?.join(', ')})` }];
    if (!rules.named?.includes(path) && isContract.some((matches) => matches(path)))
      return [
        { path, code: 'CONTRACT', message: 'is a contract: only a task that names it in its `writes`, letter by letter, may change it' },
      ];
    return [];
  });
}

/** A glob of paths: `**` for any folders, `*` and `?` within a name, `[…]`, `{a,b}`. A name that begins with a dot is one like any other. */
export function matcher(glob: string): (path: string) => boolean {
  const whole = glob
    .split('/')
    .map((segment, i, all) =>
      segment === '**' ? (i === all.length - 1 ? '.+' : '(?:[^/]+/)*') : segmentPattern(segment) + (i === all.length - 1 ? '' : '/'),
    )
    .join('');
  const pattern = new RegExp(`^${whole}$`, 'su');
  return (path) => pattern.test(path);
}

function segmentPattern(segment: string): string {
  let pattern = '';
  for (let i = 0; i < segment.length; i++) {
    const letter = segment[i] ?? '';
    const close = letter === '[' ? segment.indexOf(']', i + 2) : letter === '{' ? segment.indexOf('}', i) : -1;
    if (letter === '*') pattern += '[^/]*';
    else if (letter === '?') pattern += '[^/]';
    else if (letter === '[' && close > 0) {
      const set = segment.slice(i + 1, close).replace(/[\\\]]/g, '\\$&');
      pattern += `[${set.startsWith('!') ? `^/${set.slice(1)}` : set}]`;
      i = close;
    } else if (letter === '{' && close > 0) {
      pattern += `(?:${segment
        .slice(i + 1, close)
        .split(',')
        .map(segmentPattern)
        .join('|')})`;
      i = close;
    } else pattern += letter.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  }
  return pattern;
}

/** Does a link at `path` to `target` stay inside the tree? Judged by its text alone. */
export function linkStaysInside(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false;
  const at = posix.normalize(posix.join(posix.dirname(path), target));
  return at !== '..' && !at.startsWith('../') && badPath(at) === undefined;
}
