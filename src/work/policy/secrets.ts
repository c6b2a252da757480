/**
 * Secrets go by name until the moment a process or a provider needs the value. Whatever was handed out once is known to
 * the redactor from then on, also for tasks that were not given it.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { BatonError } from '../../errors.ts';
import { createRedactor, type Redactor, SECRET_LENGTH_MIN } from './redact.ts';

/** Where the value of a secret comes from. Without a source of its own: the environment variable of its name. */
export type SecretSource = { readonly env: string } | { readonly file: string } | { readonly command: readonly [string, ...string[]] };

/** A text whose expressions are resolved and whose secrets are still references. */
export type SecretText = string | { readonly parts: readonly (string | { readonly secret: string })[] };

export interface Secrets {
  /** @throws BatonError `SECRET_MISSING` or `SECRET_TOO_SHORT`; never with the value in it. */
  value(name: string): Promise<string>;
  /** For keys that may be missing, or be a placeholder: one too short to be told from ordinary text is no secret. */
  find(name: string): Promise<string | undefined>;
  /** Of everything handed out so far. */
  redactor(): Redactor;
}

export interface SecretOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly sources?: Readonly<Record<string, SecretSource>>;
}

const COMMAND_TIMEOUT_MS = 10_000;

export const createSecrets = ({ env, sources = {} }: SecretOptions): Secrets => {
  const known = new Map<string, string>();
  let redactor = createRedactor(known);

  const find = async (name: string): Promise<string | undefined> => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const value = await read(name, own(sources, name) ?? { env: name }, env);
    if (value === undefined || value === '') return undefined;
    if (value.length < SECRET_LENGTH_MIN) return value;
    known.set(name, value);
    redactor = createRedactor(known);
    return value;
  };

  return {
    find,
    async value(name) {
      const value = await find(name);
      if (value === undefined) {
        throw new BatonError('SECRET_MISSING', `The secret ${name} has no value.`, {
          hint: hintFor(name, own(sources, name)),
          where: name,
        });
      }
      if (value.length >= SECRET_LENGTH_MIN) return value;
      throw new BatonError(
        'SECRET_TOO_SHORT',
        `The secret ${name} is shorter than ${SECRET_LENGTH_MIN} characters, so it can't be kept out of logs.`,
        {
          hint: 'Use a longer value, or pass it as an ordinary input.',
          where: name,
        },
      );
    },
    redactor: () => redactor,
  };
};

const read = async (name: string, source: SecretSource, env: SecretOptions['env']): Promise<string | undefined> => {
  if ('env' in source) return own(env, source.env);
  try {
    if ('file' in source) return withoutNewline(await readFile(source.file, 'utf8'));
    const [program, ...args] = source.command;
    const { stdout } = await promisify(execFile)(program, args, { timeout: COMMAND_TIMEOUT_MS, maxBuffer: 1 << 20 });
    return withoutNewline(stdout);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new BatonError('SECRET_MISSING', `The secret ${name} could not be read${code}.`, { hint: hintFor(name, source), where: name });
  }
};

/** Names come from files, so `__proto__` is only a name. */
const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

const withoutNewline = (text: string): string => text.replace(/\r?\n$/, '');

const hintFor = (name: string, source: SecretSource | undefined): string => {
  if (source !== undefined && 'file' in source) return `Put the value into ${source.file}, readable by you.`;
  if (source !== undefined && 'command' in source) return `Check that \`${source.command.join(' ')}\` prints it and exits 0.`;
  return `Set ${source?.env ?? name} in the environment Baton is started from.`;
};

/** The text with its secrets filled in. @throws as `Secrets.value`. */
export const fill = async (text: SecretText, secrets: Secrets): Promise<string> => {
  if (typeof text === 'string') return text;
  const parts = await Promise.all(text.parts.map((part) => (typeof part === 'string' ? part : secrets.value(part.secret))));
  return parts.join('');
};

/** `env` with its secrets filled in. @throws as `Secrets.value`. */
export const fillAll = async (texts: Readonly<Record<string, SecretText>>, secrets: Secrets): Promise<Record<string, string>> => {
  const filled: Record<string, string> = {};
  for (const [name, text] of Object.entries(texts)) filled[name] = await fill(text, secrets);
  return filled;
};
