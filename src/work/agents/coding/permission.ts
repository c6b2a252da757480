/**
 * Answers what an agent asks leave for. The walls are what holds; this only keeps an agent from trying what could never
 * work, tells it why, and leaves a word of everything in the log.
 */
import { resolve } from 'node:path';
import { listIn, objectIn, textIn } from './profile.ts';

/** What it wants to do, as it says itself. */
export interface Permission {
  /** `read`, `edit`, `delete`, `move`, `search`, `execute`, `fetch` and so on. */
  readonly kind: string;
  readonly title: string;
  readonly input: unknown;
  readonly paths: readonly string[];
}

export type Ruling = { readonly allow: boolean; readonly why: string } | 'ask';
/** Quick and without effects; `ask` leaves it to a person, and is a refusal where nobody can be asked. */
export type PermissionPolicy = (asked: Permission, inside: Inside) => Ruling;

/** Folders an agent may use. */
export interface Inside {
  /** Where it works; paths are relative to it. */
  readonly folder: string;
  /** The same, or above it. */
  readonly workspace: string;
  readonly home: string;
}

/** Work inside the walls is allowed, each time anew; what names other places or the network is refused. */
export const insideOnly: PermissionPolicy = (asked, inside) => {
  const { kind, title } = asked;
  if (kind === 'fetch') return no('there is no network');
  if (kind === 'switch_mode') return no('its mode is set by whoever configured it');
  const outside = [...asked.paths, ...pathsIn(asked.input)].find((path) => !isInside(path, inside, kind));
  if (outside !== undefined) return no(`${outside} is outside ${inside.workspace}`);
  const command = commandIn(asked.input) || (kind === 'execute' ? title : '');
  const place = placesOutside(command);
  if (place !== undefined) return no(`${place} is outside ${inside.workspace}`);
  const address = addressIn(command);
  if (address !== undefined) return no(`there is no network to reach ${address}`);
  return { allow: true, why: 'inside the walls' };
};

/** The same, and what is allowed by it is for a person to allow where it is of these kinds. */
export const askingBefore =
  (kinds: readonly string[]): PermissionPolicy =>
  (asked, inside) => {
    const ruling = insideOnly(asked, inside);
    return ruling !== 'ask' && ruling.allow && kinds.includes(asked.kind || 'other') ? 'ask' : ruling;
  };

const no = (why: string): Ruling => ({ allow: false, why });

const PATH_FIELDS = ['file_path', 'filePath', 'path', 'notebook_path', 'dir_path', 'directory', 'cwd', 'workdir'] as const;

const pathsIn = (input: unknown): readonly string[] => {
  const fields = objectIn(input);
  const changed = listIn(fields['changes']).map(({ path }) => textIn(path));
  return [...PATH_FIELDS.map((field) => textIn(fields[field])), ...changed].filter((path) => path !== '');
};

/** What anybody inside may read. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib64', '/dev'];
const READS = new Set(['read', 'search']);

const isInside = (path: string, { folder, workspace, home }: Inside, kind: string): boolean => {
  const whole = resolve(folder, path);
  const roots = [workspace, home, '/tmp', ...(READS.has(kind) ? SYSTEM : [])];
  return roots.some((root) => whole === root || whole.startsWith(`${root}/`));
};

const commandIn = (input: unknown): string => {
  const { command, cmd } = objectIn(input);
  const text = command ?? cmd;
  return Array.isArray(text) ? text.map(textIn).join(' ') : textIn(text);
};

/** Top folders that a command has no business in; a pattern such as `/name/d` names none of them. */
const placesOutside = (command: string): string | undefined =>
  /(?:^|[\s'"=:<>(])(\/(?:etc|home|root|var|opt|srv|mnt|media|boot|run|sys|Users|private)(?:\/[^\s'"`;|&)]*)?)(?=$|[\s'"`;|&)])/.exec(
    command,
  )?.[1];

/** Addresses that are not this machine's own, and programs that only go elsewhere. */
const addressIn = (command: string): string | undefined => {
  for (const [address, host] of command.matchAll(/\b[a-z][a-z0-9+.-]*:\/\/(\[[^\]]*\]|[^\s/:'"`]*)/gi))
    if (!/^(localhost|127\.[\d.]+|\[::1\]|0\.0\.0\.0|)$/i.test(host ?? '')) return address;
  return /(?:^|[;|&(\n])\s*((?:ssh|scp|sftp|telnet)\s+[^\s;|&]+)|\b(git@[^\s'"]+)/.exec(command)?.slice(1).find(Boolean);
};
