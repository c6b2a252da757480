/**
 * The owner keeps the environment of the command that started it: keys for models, secrets, PATH; and the version that
 * was installed then. A command with another one replaces an owner that has nothing to do, so that a key that was just
 * exported counts, and an upgrade. Only a hash is written down.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Differs from terminal to terminal, or from one command to the next, and means nothing to a run. */
const VOLATILE =
  /^(_|PWD|OLDPWD|SHLVL|PS1|PROMPT_COMMAND|TERM|COLORTERM|COLUMNS|LINES|DISPLAY|WINDOWID|TMUX|TMUX_PANE|STY|PAGER|EDITOR|VISUAL|NO_COLOR|FORCE_COLOR|INVOCATION_ID|JOURNAL_STREAM|(TERM|SSH|VTE|KONSOLE|ITERM|GNOME_TERMINAL|XDG_SESSION|XDG_VTNR|DBUS|LESS|LS_COLORS|HIST|npm|NODE_COMPILE|BATON_REEXEC|WT|WEZTERM|KITTY|ALACRITTY|WAYLAND|SYSTEMD)(_.*)?)$/;

export function environmentHash(env: Environment, version: string): string {
  const lasting = Object.entries(env).filter(([name, value]) => value !== undefined && !VOLATILE.test(name));
  return createHash('sha256')
    .update(JSON.stringify([version, lasting.sort(([a], [b]) => (a < b ? -1 : 1))]))
    .digest('hex');
}

const file = (home: string): string => join(home, 'owner.env');

/** Written by whoever started this owner. */
export function rememberEnvironment(home: string, pid: number, env: Environment, version: string): void {
  writeFileSync(file(home), `${pid} ${environmentHash(env, version)}\n`, { mode: 0o600 });
}

/** True when this owner is known to have another environment than ours. */
export function hasOtherEnvironment(home: string, pid: number, env: Environment, version: string): boolean {
  try {
    const [owner, hash] = readFileSync(file(home), 'utf8').trim().split(' ');
    return Number(owner) === pid && hash !== environmentHash(env, version);
  } catch {
    return false;
  }
}
