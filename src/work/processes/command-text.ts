/** A string runs by `bash -euo pipefail -c`, an array without a shell. */
export type CommandText = string | readonly string[];

/** What to start, and with which arguments. */
export const programOf = (run: CommandText): [string, string[]] => {
  if (typeof run === 'string') return ['bash', ['--norc', '-euo', 'pipefail', '-c', run]];
  const [program = '', ...args] = run;
  return [program, args];
};

const NAME_MAX = 80;
/** The command as a message names it. */
export const nameOf = (run: CommandText): string => {
  const text = (typeof run === 'string' ? run : run.join(' ')).trim().replace(/\s*\n\s*/g, '; ');
  return `\`${text.length <= NAME_MAX ? text : `${text.slice(0, NAME_MAX - 1)}…`}\``;
};
