/**
 * A shell beside this process that outlives it for a moment: when its input ends, because we are gone by whatever means,
 * it ends the process groups we had told it of. Each start costs one line in a pipe, less than a wrapper around every
 * command would, and whole groups are ended where a parent-death signal would only reach their leaders.
 */
import { type ChildProcess, spawn } from 'node:child_process';

const SCRIPT = `
trap '' HUP INT TERM
groups=
while IFS= read -r line; do
  case $line in
    +*) groups="$groups \${line#+}" ;;
    -*) kept=; for group in $groups; do [ "$group" = "\${line#-}" ] || kept="$kept $group"; done; groups=$kept ;;
  esac
done
[ -n "$groups" ] || exit 0
for group in $groups; do kill -s TERM -- "-$group"; done 2>/dev/null
sleep 1
for group in $groups; do kill -s KILL -- "-$group"; done 2>/dev/null
`;

let guardian: ChildProcess | undefined;

/** From now on the group ends with this process. */
export const guard = (group: number): void => tell(`+${group}\n`);
/** The group is gone. */
export const unguard = (group: number): void => tell(`-${group}\n`);

const tell = (line: string): void => {
  guardian ??= start();
  if (guardian.stdin?.writable) guardian.stdin.write(line);
};

const start = (): ChildProcess => {
  const child = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {}, cwd: '/' });
  // Where there is no shell, what is left over is found at the next start instead.
  child.on('error', () => undefined);
  child.on('exit', () => {
    if (guardian === child) guardian = undefined;
  });
  child.stdin.on('error', () => undefined);
  child.unref();
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  return child;
};
