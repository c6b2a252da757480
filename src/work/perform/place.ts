/**
 * Where an attempt or a check works: a folder, the files it exchanges with Baton, and how a process is started there.
 *
 * Over a repository that folder is a checkout of the integration tree. A tree that an agent has changed holds that
 * agent's code, so whatever runs in it runs inside the walls of a sandbox, and so does every agent that chooses commands
 * itself. Anywhere else a command is the user's own line, and runs like one of a Makefile.
 */
import { chown, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { AttemptContext } from '../../engine/host/host.ts';
import { OWN } from '../../engine/kernel/attempt.ts';
import type { TaskSpec } from '../../engine/kernel/plan.ts';
import type { RunState } from '../../engine/kernel/state.ts';
import type { Definition } from '../planning/definition.ts';
import type { Environment } from '../policy/environment.ts';
import { programOf } from '../processes/command-text.ts';
import type { Command } from '../processes/process.ts';
import { INSIDE, type Mount, type Relay, type Sandbox, type Wrapped } from '../sandbox/sandbox.ts';
import type { Commit, Workspace } from '../workspace/workspace.ts';
import { openFolder, type TaskFolder } from './folders.ts';
import { plainFolder } from './plain-folder.ts';
import { type Repository, workspaceId } from './repositories.ts';
import { folderOf, type Home, placeOf, type Whose } from './surroundings.ts';
import { namedFiles, toolMounts } from './tool-mounts.ts';
import { heldBack, isTrouble, tried } from './trouble.ts';
import { openWayOut, type WayOut } from './way-out.ts';

/** Where the exchange lies for whoever is inside. */
const EXCHANGE_INSIDE = '/baton';

export interface Place {
  /** Absolute path on this machine. */
  readonly folder: string;
  /** The same without links, as it was found. Whoever works there may have put some on the way to it since. */
  readonly real: string;
  /** The same for processes that are started here. */
  readonly inside: string;
  readonly exchange: TaskFolder;
  /** The exchange's files as processes see them. */
  readonly files: { readonly task: string; readonly handoff: string; readonly result: string };
  readonly workspace?: Workspace;
  readonly repository?: Repository;
  /** Missing where commands are the user's own. */
  readonly walls?: Walls;
  /** A command of the task, ready to be run here. */
  command(command: Omit<Command, 'cwd' | 'walls'>): Promise<Command>;
  close(): Promise<void>;
}

export interface WallRequest {
  readonly command: readonly [string, ...string[]];
  readonly env: Environment;
  /** Inside. */
  readonly cwd?: string;
  readonly mounts?: readonly Mount[];
  readonly relays?: readonly Relay[];
}
export interface Walls {
  readonly sandbox: Sandbox;
  wrap(request: WallRequest): Promise<Wrapped>;
}

export interface Need {
  readonly definition: Definition;
  /** The tree to work in; without it the task's own folder, or the project. */
  readonly tree?: Commit;
  /** The work goes on where an earlier attempt left it. */
  readonly goesOn: boolean;
  /** Where it goes on, what is there is put back to this first. */
  readonly putBack?: Stand;
  /** What is checked must not be touched by the check, and the other way round. */
  readonly apart?: string;
  readonly walled: boolean;
  readonly signal: AbortSignal;
}

/** How a workspace stood. */
export interface Stand {
  /** What it was made from, or had gone on from. */
  readonly base: Commit;
  readonly commit: Commit;
}

/** @throws BatonError `SANDBOX_UNAVAILABLE`, and of the trees */
export async function openPlace(home: Home, whose: Whose, need: Need): Promise<Place> {
  const exchange = folderOf(home, whose);
  await openFolder(exchange, { attempt: whose.attempt, goesOn: need.goesOn || need.apart !== undefined });
  const own = need.tree === undefined ? undefined : await openTree(home, whose, need, need.tree).catch(refuse);
  const folder = own?.folder ?? placeOf(home, need.definition, exchange, whose.run);
  const real = await realpath(folder);
  const tree = own ? { workspace: own.workspace, repository: own.repository } : {};
  if (!need.walled) {
    const inside = { task: exchange.task, handoff: exchange.handoff, result: exchange.result };
    const ready = async (command: Omit<Command, 'cwd' | 'walls'>): Promise<Command> => ({
      ...command,
      cwd: folder,
      env: plainEnv(command.env, own),
    });
    return { folder, real, inside: folder, exchange, files: inside, ...tree, command: ready, close: async () => own?.close() };
  }
  const sandbox = await home.sandboxes.choose();
  const { owner } = sandbox;
  if (owner) for (const each of own ? [exchange.folder] : [exchange.folder, folder]) await chown(each, owner.uid, owner.gid);
  const out = await openWayOut(home, whose, need.definition.network ?? [], owner, need.signal);
  const exchanged = { from: exchange.folder, to: EXCHANGE_INSIDE, write: true };
  const inside = join(INSIDE, own?.repository.folder ?? '');
  const walls = wallsOf(home, sandbox, { workspace: own?.workspace.folder ?? folder, inside, mounts: [exchanged], out });
  return {
    folder,
    real,
    inside,
    exchange,
    files: {
      task: insideOf(exchange, exchange.task),
      handoff: insideOf(exchange, exchange.handoff),
      result: insideOf(exchange, exchange.result),
    },
    ...tree,
    walls,
    async command(command) {
      const [program, args] = programOf(command.run);
      return {
        ...command,
        cwd: folder,
        walls: await walls.wrap({ command: [program, ...args], env: command.env, mounts: namedFiles(command.run) }),
      };
    },
    async close() {
      await out?.close();
      await own?.close();
    },
  };
}

/** Commands in a tree that an agent has changed run that agent's code. */
export const isTouched = (state: RunState, spec: TaskSpec): boolean => state.tree?.touched === true || !OWN.has(spec.agent ?? '');

const insideOf = (exchange: TaskFolder, path: string): string => EXCHANGE_INSIDE + path.slice(exchange.folder.length);

/** Nothing was begun, so nothing is lost by waiting until somebody has cleared the way. */
const refuse = (error: unknown): never => {
  throw isTrouble(error) ? heldBack(error, false) : error;
};

async function openTree(home: Home, whose: Whose, need: Need, tree: Commit) {
  const repository = home.repositories.of(whose.run);
  const { trees } = repository;
  if (need.apart !== undefined) {
    const id = `${workspaceId(whose.run, whose.task)}/${need.apart}`;
    const workspace = await tried(() => trees.checkout(id, tree));
    return { ...(await opened(repository, workspace, need)), close: () => trees.remove(id) };
  }
  const id = workspaceId(whose.run, whose.task);
  if (!need.goesOn) await trees.remove(id);
  let workspace = await tried(() => trees.open(id, tree));
  if (need.goesOn && need.putBack?.base === workspace.base) {
    const { commit } = need.putBack;
    await tried(() => trees.restore(workspace, commit));
  }
  if (workspace.base !== tree) ({ workspace } = await tried(() => trees.rebase(workspace, tree)));
  return { ...(await opened(repository, workspace, need)), close: async () => {} };
}

/** With the project's folder in it, which an earlier task may have removed. */
async function opened(repository: Repository, workspace: Workspace, need: Need) {
  const folder = await plainFolder(workspace.folder, repository.folder);
  await repository.equip(workspace, { touched: need.walled, signal: need.signal });
  return { repository, workspace, folder };
}

/** The work goes on in the folder as it is: something was said of it, or the machine was in the way. */
export const goesOn = (context: Pick<AttemptContext, 'attempt' | 'feedback' | 'spec' | 'state'>): boolean =>
  context.feedback.length > 0 || (context.attempt > 1 && context.state().tasks.get(context.spec.id)?.failure?.holds === true);

/** A git that runs as root does not trust the folder of another user: the one the sandbox works as. */
function plainEnv(env: Environment, own: { readonly workspace: Workspace } | undefined): Environment {
  if (!own || process.getuid?.() !== 0) return env;
  return { ...env, GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: own.workspace.folder };
}

/** Names of the host's own places, which mean nothing inside. */
const OUTSIDE_ONLY = new Set(['HOME', 'TMPDIR', 'USER', 'LOGNAME', 'SHELL']);

/** What is around every command that is run there. */
interface Around {
  /** Absolute path on this machine of what is `/workspace` inside. */
  readonly workspace: string;
  /** Where commands begin, inside. Default `/workspace`. */
  readonly inside?: string;
  readonly mounts: readonly Mount[];
  readonly out: WayOut | undefined;
}
export function wallsOf(home: Home, sandbox: Sandbox, { workspace, inside = INSIDE, mounts: shared, out }: Around): Walls {
  return {
    sandbox,
    wrap({ command, env, cwd = inside, mounts = [], relays = [] }) {
      const tools = toolMounts(env['PATH'] ?? '', home.env['HOME'] ?? homedir(), sandbox.owner);
      const own = Object.fromEntries(Object.entries(env).filter(([name, value]) => !OUTSIDE_ONLY.has(name) || value !== home.env[name]));
      return sandbox.wrap({
        command,
        workspace,
        cwd,
        env: { ...own, ...out?.env },
        mounts: [...shared, ...tools, ...mounts],
        relays: [...(out ? [out.relay] : []), ...relays],
      });
    },
  };
}
