/** A place whose folder is a git repository with one commit. */
import { execFileSync } from 'node:child_process';
import { type Place, place } from './baton.ts';

export interface RepositoryPlace extends Place {
  git(...args: string[]): string;
}

export function repositoryPlace(): RepositoryPlace {
  const at = place();
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.invalid', ...args], { cwd: at.folder, encoding: 'utf8' });
  git('init', '-q', '-b', 'main');
  at.write('.gitignore', 'user/\nruntime/\n');
  at.write('poem.txt', 'roses\nviolets\n');
  git('add', '-A');
  git('commit', '-q', '-m', 'first');
  return { ...at, git };
}
