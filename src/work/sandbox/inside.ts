/**
 * The first thing that runs inside: a shell that looks whether what got mounted is what was meant, puts on the command's
 * environment, and becomes the command.
 *
 * Arguments of processes can be read by every user of a machine, an environment only by its own. So the variables come
 * by the environment of whoever makes the walls, under names of ours: there, outside the walls, no name that the command
 * was given may mean anything, such as `LD_PRELOAD` to the loader.
 */
import type { Held } from './held.ts';
import { INSIDE } from './sandbox.ts';

const SCRIPT = `
while [ "$2" -gt 0 ]; do
  baton_held=$2
  [ "$(stat -c %d:%i -- "$3" 2>/dev/null)" = "$4" ] || { echo "baton: $3 was exchanged for something else while the walls went up" >&2; exit 126; }
  baton_names=$1
  shift 4
  set -- "$baton_names" "$((baton_held - 1))" "$@"
done
baton_names=$1
shift 2
while [ "$baton_names" -gt 0 ]; do
  baton_names=$((baton_names - 1))
  eval "export \\"\\$BATON_INSIDE_$baton_names\\"; unset BATON_INSIDE_$baton_names"
done
unset baton_names baton_held
exec "$@"
`;

/** Names that a shell can export, and does not use itself. */
const CARRIED =
  /^(?!(BATON_INSIDE_|baton_|BASH|DIRSTACK$|ENV$|EUID$|FUNCNAME$|GROUPS$|IFS$|LINENO$|OPT|PPID$|PS\d$|SHELLOPTS$|SHLVL$|UID$|_$))[A-Za-z_]\w*$/;
/** Say where a command runs; inside it is somewhere else. */
const OF_ANOTHER_PLACE = new Set(['PWD', 'OLDPWD']);
const DEFAULTS = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/home', TMPDIR: '/tmp', LANG: 'C.UTF-8' };

export interface Started {
  /** The command, behind the shell. */
  readonly command: readonly string[];
  /** For whoever makes the walls; it has to reach the shell. */
  readonly env: Readonly<Record<string, string>>;
}

export function startInside(command: readonly string[], env: Readonly<Record<string, string>>, held: readonly Held[] = []): Started {
  const variables = Object.entries({ ...DEFAULTS, ...env }).filter(([name]) => !OF_ANOTHER_PLACE.has(name));
  const carried = variables.filter(([name]) => CARRIED.test(name));
  const others = variables.filter(([name]) => !CARRIED.test(name));
  return {
    command: [
      ...['/bin/sh', '-c', SCRIPT, 'baton', String(carried.length), String(held.length)],
      ...held.flatMap(({ path, id }) => [`${INSIDE}/${path}`, id]),
      // Shells lose these on the way, so they are set in view of everybody.
      ...(others.length > 0 ? ['/usr/bin/env', ...others.map(([name, value]) => `${name}=${value}`)] : []),
      ...command,
    ],
    env: Object.fromEntries(carried.map(([name, value], i) => [`BATON_INSIDE_${i}`, `${name}=${value}`])),
  };
}
