/**
 * Dependencies of a checkout, such as `node_modules`: made once for the content of the files that decide about them, by
 * the command of the project's settings, and copied into every workspace that has the same. Where an agent has changed
 * the tree, that command runs the agent's code, so it runs inside walls, with the network the settings name for it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, lstatSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Environment } from '../policy/environment.ts';
import { type CommandText, nameOf, programOf } from '../processes/command-text.ts';
import { AttemptError } from '../processes/failure.ts';
import { lastLines } from '../processes/output.ts';
import { runProcess } from '../processes/process.ts';
import { INSIDE } from '../sandbox/sandbox.ts';
import type { Trees, Workspace } from '../workspace/workspace.ts';
import { plainFolder } from './plain-folder.ts';

export interface SetupRule {
  readonly run: CommandText;
  /** Folders it makes, relative to the project. */
  readonly provides: readonly string[];
  /** Files whose content decides whether it has to run again. */
  readonly key: readonly string[];
  readonly timeoutMs: number;
}

export interface EquipOptions {
  readonly trees: Pick<Trees, 'checkout' | 'remove'>;
  /** Of the project, in the tree; missing at its top. */
  readonly folder?: string;
  /** Where what it made is kept. */
  readonly store: string;
  readonly rule: SetupRule;
  readonly env: Environment;
  /** Puts walls around the command. */
  readonly walls?: (
    workspace: string,
    command: readonly [string, ...string[]],
    cwd: string,
  ) => Promise<NonNullable<Parameters<typeof runProcess>[0]['walls']>>;
  /** What is made becomes theirs. */
  readonly own: (folder: string) => Promise<void>;
  readonly signal: AbortSignal;
}

const making = new Map<string, Promise<void>>();

/** @throws AttemptError `SETUP_FAILED` with the last lines it printed */
export async function equip(workspace: Workspace, options: EquipOptions): Promise<void> {
  const kept = join(options.store, await keyOf(workspace, options));
  if (!existsSync(kept)) {
    const under = making.get(kept) ?? make(workspace, kept, options).finally(() => making.delete(kept));
    making.set(kept, under);
    await under;
  }
  for (const folder of options.rule.provides) {
    if (!existsSync(join(kept, folder))) continue;
    const around = await plainFolder(workspace.folder, join(options.folder ?? '', dirname(folder)));
    const to = join(around, basename(folder));
    if (lstatSync(to, { throwIfNoEntry: false })) continue;
    await cp(join(kept, folder), to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    await options.own(to);
  }
}

async function keyOf(workspace: Workspace, { rule, walls, folder = '' }: EquipOptions): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([rule.run, rule.provides, walls !== undefined, folder]));
  const project = join(workspace.folder, folder);
  for (const name of rule.key) hash.update(`\0${name}\0`).update(await readFile(join(project, name)).catch(() => 'missing'));
  return hash.digest('hex').slice(0, 32);
}

async function make(workspace: Workspace, kept: string, options: EquipOptions): Promise<void> {
  const { trees, rule, env, walls, signal, folder: project } = options;
  const id = `setup/${randomBytes(6).toString('hex')}`;
  const scratch = await trees.checkout(id, workspace.base);
  const making = `${kept}.${randomBytes(6).toString('hex')}`;
  try {
    const [program, args] = programOf(rule.run);
    const cwd = await plainFolder(scratch.folder, project);
    const around = walls ? { walls: await walls(scratch.folder, [program, ...args], join(INSIDE, project ?? '')) } : {};
    const ended = await runProcess({ run: rule.run, cwd, env, signal, timeoutMs: rule.timeoutMs, ...around });
    if (ended.failure !== undefined)
      throw new AttemptError(
        ended.failure.class === 'cancelled' ? 'cancelled' : 'permanent',
        'SETUP_FAILED',
        `The set-up of the workspace, ${nameOf(rule.run)}, failed: ${ended.failure.message}\n${lastLines(`${ended.stdout.text}\n${ended.stderr.text}`, 20, 2000)}`,
        { hint: 'See `workspace.setup` in baton.yaml.', dispatched: false },
      );
    await mkdir(making, { recursive: true });
    for (const folder of rule.provides) {
      await plainFolder(cwd, dirname(folder));
      if (!existsSync(join(cwd, folder))) continue;
      await mkdir(dirname(join(making, folder)), { recursive: true });
      await cp(join(cwd, folder), join(making, folder), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    }
    await rename(making, kept).catch((error: unknown) => {
      if (!existsSync(kept)) throw error;
    });
  } finally {
    await rm(making, { recursive: true, force: true });
    await trees.remove(id);
  }
}
