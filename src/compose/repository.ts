/** One repository, as the project of a run sees it: with what the settings of that project say about trees. */
import { join } from 'node:path';
import { defined } from '../defined.ts';
import { inFolder, type Plan } from '../engine/kernel/plan.ts';
import { equip } from '../work/perform/equip.ts';
import type { Repository } from '../work/perform/repositories.ts';
import { toolMounts } from '../work/perform/tool-mounts.ts';
import { inheritedEnvironment } from '../work/policy/environment.ts';
import type { Sandboxes } from '../work/sandbox/sandbox.ts';
import type { Settings, WorkspaceSettings } from '../work/workflow/settings.ts';
import { give } from '../work/workspace/checkouts.ts';
import { CHECKPOINTS_DEFAULT, type Promotions, QUOTA_DEFAULT, type Quota, type Trees } from '../work/workspace/workspace.ts';

/** What a home keeps of a repository, for all projects in it. */
export interface Kept {
  readonly trees: Trees;
  readonly promotions: Promotions;
  /** Absolute path of the folder of its trees. */
  readonly store: string;
  /** Whom checkouts belong to, when Baton is root. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export interface Seen extends Kept {
  readonly top: string;
  /** Where the project lies in it, when not at its top. */
  readonly folder?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly sandboxes: Pick<Sandboxes, 'choose'>;
  /** Asked each time: who is over a quota raises it, and goes on. */
  readonly settings: (project: string) => Settings;
}

/** Absolute path of the project of a run. */
export const projectIn = (plan: Pick<Plan, 'scope' | 'folder'> | undefined): string | undefined =>
  plan?.scope === undefined ? undefined : join(plan.scope, plan.folder ?? '');

export const quotaIn = ({ workspace: { quota } }: Settings): Quota => ({
  bytes: quota.bytes ?? QUOTA_DEFAULT.bytes,
  files: quota.files ?? QUOTA_DEFAULT.files,
});

/** What the repository says of paths as a whole, and then the project, all relative to the top. */
export function globsOf(
  { scope, folder }: { readonly scope: string; readonly folder: string | undefined },
  settings: (project: string) => Settings,
  pick: (workspace: WorkspaceSettings) => readonly string[],
): readonly string[] {
  const own = pick(settings(join(scope, folder ?? '')).workspace).map((glob) => inFolder(folder, glob));
  return folder === undefined ? own : [...pick(settings(scope).workspace), ...own];
}

export function projectRepository({ top, folder, trees, promotions, store, owner, env, sandboxes, settings }: Seen): Repository {
  const now = () => settings(join(top, folder ?? ''));
  return {
    top,
    ...defined({ folder }),
    trees,
    promotions,
    get quota() {
      return quotaIn(now());
    },
    get checkpoints() {
      return { ...CHECKPOINTS_DEFAULT, ...now().workspace.checkpoints };
    },
    get setup() {
      return now().workspace.setup;
    },
    get rules() {
      const globs = (pick: (workspace: WorkspaceSettings) => readonly string[]) => globsOf({ scope: top, folder }, settings, pick);
      return {
        protected: globs((workspace) => workspace.protected),
        contracts: globs((workspace) => workspace.contracts),
        symlinks: now().workspace.symlinks,
      };
    },
    async equip(checkout, { touched, signal }) {
      const { setup } = now().workspace;
      if (!setup) return;
      const inherited = inheritedEnvironment(env);
      const walls = async (workspace: string, command: readonly [string, ...string[]], cwd: string) => {
        const sandbox = await sandboxes.choose();
        const mounts = toolMounts(inherited['PATH'] ?? '', env['HOME'] ?? '/', sandbox.owner);
        return sandbox.wrap({ command, workspace, cwd, env: { PATH: inherited['PATH'] ?? '' }, mounts });
      };
      await equip(checkout, {
        trees,
        store: join(store, 'provided'),
        ...defined({ folder }),
        rule: setup,
        env: inherited,
        ...(touched ? { walls } : {}),
        own: async (made) => {
          if (owner) give(made, owner);
        },
        signal,
      });
    },
  };
}
