/**
 * The inside of the walls, as an agent finds it:
 *
 *   /workspace        what it works on
 *   /agent/home       its own, kept from attempt to attempt while the work goes on
 *   /agent/program    its installation, read only
 *   /agent/bin/node   the Node that runs it, read only
 *
 * A host that writes into a folder of somebody it doesn't trust can be led astray by links. So Baton makes a home and
 * never touches it again; files that have to lie in it are written by a shell inside, just before the agent starts.
 */
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { Wrapped } from '../../sandbox/sandbox.ts';
import type { Work } from '../agent.ts';
import type { Walls } from '../walls.ts';
import type { Way } from './config.ts';
import type { Installed } from './installed.ts';
import { objectIn, type Profile, type Setup, textIn } from './profile.ts';

export const HOME_INSIDE = '/agent/home';
const PROGRAM_INSIDE = '/agent/program';
const NODE_INSIDE = '/agent/bin/node';

/** Names that a sandbox fills in itself; ours are of the wrong place, or of somebody. */
const OUTSIDE_ONLY = new Set(['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR']);

export class Place {
  private readonly work: Work;
  private readonly walls: Walls;
  private readonly home: string;
  private readonly sessionFile: string;

  constructor(work: Work, walls: Walls, { name }: Profile, way: Way) {
    this.work = work;
    this.walls = walls;
    this.home = join(walls.state, `${name}-${way}`);
    this.sessionFile = join(walls.state, `${name}-${way}.json`);
  }

  /** Makes the home, anew unless the work goes on where a check left it. Gives the conversation to go on with. */
  async open(): Promise<string | undefined> {
    const { goesOn } = this.work;
    if (!goesOn) await Promise.all([this.home, this.sessionFile].map((path) => rm(path, { recursive: true, force: true })));
    if ((await mkdir(this.home, { recursive: true })) !== undefined && this.walls.owner !== undefined)
      await chown(this.home, this.walls.owner.uid, this.walls.owner.gid);
    return goesOn ? this.session() : undefined;
  }

  private async session(): Promise<string | undefined> {
    try {
      const { session } = objectIn(JSON.parse(await readFile(this.sessionFile, 'utf8')));
      return isSession(textIn(session)) ? textIn(session) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps the name of the conversation for the next attempt. */
  async remember(session: string): Promise<void> {
    if (isSession(session)) await writeFile(this.sessionFile, JSON.stringify({ session }));
  }

  /** What to spawn. */
  wrap(installed: Installed, { args, env, files = {} }: Setup, more: readonly string[]): Promise<Wrapped> {
    // Under its own name: Node looks for packages in folders that are called `node_modules`.
    const root = join(PROGRAM_INSIDE, basename(installed.root));
    const program = join(root, relative(installed.root, installed.program));
    const started = [...(installed.byNode ? [NODE_INSIDE] : []), program, ...args, ...more];
    return this.walls.wrap({
      command: ['/bin/sh', '-c', `${writing(files)}exec "$@"`, 'sh', ...started],
      env: { ...this.environment(), ...env, HOME: HOME_INSIDE },
      mounts: [
        { from: this.home, to: HOME_INSIDE, write: true },
        { from: installed.root, to: root },
        { from: process.execPath, to: NODE_INSIDE },
      ],
      cwd: this.walls.folder,
    });
  }

  private environment(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.work.env).filter(([name]) => !OUTSIDE_ONLY.has(name)));
  }
}

/** It becomes an argument of the agent's program. */
const isSession = (id: string): boolean => /^\w[\w.:-]{0,199}$/.test(id);

/** Shell text that writes files into the home. */
const writing = (files: Readonly<Record<string, string>>): string =>
  Object.entries(files)
    .map(([path, text]) => {
      const folder = path.includes('/') ? `mkdir -p ${quoted(`${HOME_INSIDE}/${path.slice(0, path.lastIndexOf('/'))}`)} && ` : '';
      return `${folder}printf %s ${quoted(text)} > ${quoted(`${HOME_INSIDE}/${path}`)} || exit 1\n`;
    })
    .join('');

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
