/**
 * Finds a coding agent on this machine: by path, in `node_modules/.bin` of the project and above it, or on the PATH; and
 * what of the disk it needs to run inside walls. Its version comes from its
 * package; a program on the PATH that is in none is asked, once.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdtemp, open, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { AttemptError } from '../../processes/failure.ts';
import { objectIn, textIn } from './profile.ts';

export interface Installed {
  /** Its program, links resolved. */
  readonly program: string;
  /** The folder that has everything it is made of. */
  readonly root: string;
  /** Node has to run it. */
  readonly byNode: boolean;
  /** Missing when it doesn't say. */
  readonly version?: string;
}

export interface Surroundings {
  /** Folders whose `node_modules/.bin`, and those above it, come before the PATH. */
  readonly near: readonly string[];
  readonly path: string;
}

/** @throws AttemptError `AGENT_NOT_INSTALLED` naming the package to install, or `AGENT_UNREADABLE`. */
export const findInstalled = async (
  { program, package: packageName }: { readonly program: string; readonly package: string },
  surroundings: Surroundings,
): Promise<Installed> => {
  const found = await firstProgram(program, surroundings);
  if (found === undefined)
    throw new AttemptError('permanent', 'AGENT_NOT_INSTALLED', `There is no program "${program}" on this machine.`, {
      hint: `Install it by \`npm install -g ${packageName}\`, or in the project.`,
      where: program,
      dispatched: false,
    });
  const real = await realpath(found.path);
  const known = asked.get(real) ?? look(real, found.onPath);
  asked.set(real, known);
  known.catch(() => asked.delete(real));
  return known;
};

/** What was found out of a program; it is asked once. */
const asked = new Map<string, Promise<Installed>>();

interface Found {
  readonly path: string;
  /** Whoever runs Baton would run it by its name. */
  readonly onPath: boolean;
}

const firstProgram = async (program: string, { near, path }: Surroundings): Promise<Found | undefined> => {
  const named = isAbsolute(program) ? [program] : near.map((folder) => join(folder, program));
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  const candidates: readonly Found[] = program.includes(sep)
    ? named.map((each) => ({ path: each, onPath: false }))
    : [
        ...near.flatMap(binFolders).map((folder) => ({ path: join(folder, program), onPath: false })),
        ...folders.map((folder) => ({ path: join(folder, program), onPath: true })),
      ];
  for (const candidate of candidates) {
    const runs = await access(candidate.path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return candidate;
  }
  return undefined;
};

const binFolders = (folder: string): string[] => {
  const own = join(folder, 'node_modules', '.bin');
  return dirname(folder) === folder ? [own] : [own, ...binFolders(dirname(folder))];
};

const look = async (program: string, onPath: boolean): Promise<Installed> => {
  const root = rootOf(program);
  // What a repository brings along is not run outside the walls, not even to ask who it is.
  const version = (await packageVersion(program, root)) ?? (onPath ? await saidVersion(program) : undefined);
  return { program, root, byNode: await isForNode(program), ...(version === undefined ? {} : { version }) };
};

/** The outermost `node_modules` around a program: packages lean on their neighbours. Otherwise the program's own folder. */
const rootOf = (program: string): string => {
  const parts = program.split(sep);
  const modules = parts.indexOf('node_modules');
  return modules === -1 ? dirname(program) : parts.slice(0, modules + 1).join(sep);
};

const HASHBANG_MAX = 256;

const isForNode = async (program: string): Promise<boolean> => {
  try {
    await using file = await open(program);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HASHBANG_MAX), 0, HASHBANG_MAX, 0);
    return /^#!.*\bnode\b/.test(buffer.toString('latin1', 0, bytesRead));
  } catch (error) {
    throw new AttemptError('permanent', 'AGENT_UNREADABLE', `${program} can't be read.`, {
      where: program,
      dispatched: false,
      cause: error,
    });
  }
};

const packageVersion = async (program: string, root: string): Promise<string | undefined> => {
  for (let folder = dirname(program); folder.length > root.length; folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
    const version = text === undefined ? '' : textIn(objectIn(parsed(text))['version']);
    if (version !== '') return version;
  }
  return undefined;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const VERSION_TIMEOUT_MS = 10_000;

/** By its own word, in a home of its own that is gone afterwards. */
const saidVersion = async (program: string): Promise<string | undefined> => {
  const home = await mkdtemp(join(tmpdir(), 'baton-version-'));
  try {
    const env = { PATH: '/usr/bin:/bin', HOME: home };
    const { stdout } = await promisify(execFile)(program, ['--version'], { cwd: home, env, timeout: VERSION_TIMEOUT_MS });
    return /\d+\.\d+[\w.+-]*/.exec(stdout)?.[0];
  } catch {
    return undefined;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
};
