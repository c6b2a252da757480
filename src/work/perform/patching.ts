/**
 * Which way the change of an agent comes into its workspace is asked of its adapter, and told in the log. One that can't
 * write files is asked for a patch, if its task says what it writes: it is shown those files where it can't read them
 * itself, and its patch is applied by Baton's own walk, which follows no link.
 *
 * A patch that only adds fits a second time, so it must not be applied twice. What the workspace was like before it is a
 * recorded step; the attempt that follows a lost one is put back to that.
 */
import type { AttemptContext } from '../../engine/host/host.ts';
import { BatonError } from '../../errors.ts';
import type { AgentConfig, AgentServices, ChangeWay, Patching } from '../agents/agent.ts';
import { canReadFiles } from '../tools/names.ts';
import type { Commit } from '../workspace/workspace.ts';
import type { Place } from './place.ts';

const BEFORE_PATCH = 'before-patch';

/** What the workspace of this task was, if an attempt was lost when it had applied a patch, or not yet, or half. */
export const beforePatch = ({ recorded, blobs }: Pick<AttemptContext, 'recorded' | 'blobs'>): Commit | undefined => {
  const stored = blobs.get(recorded.get(BEFORE_PATCH) ?? '');
  return stored === undefined ? undefined : Buffer.from(stored).toString('utf8');
};

/** Says in the log which way was chosen. Undefined where none is needed: the agent works itself, or has nothing to change. */
export async function openPatching(
  { folder, workspace, repository }: Place,
  way: ChangeWay,
  { name, config }: AgentConfig,
  { spec }: Pick<AttemptContext, 'spec'>,
  services: Pick<AgentServices, 'step' | 'log' | 'signal'>,
): Promise<Patching | undefined> {
  if (!workspace || !repository) return undefined;
  const { trees } = repository;
  const writes = spec.claims ?? [];
  if (way === 'itself') services.log(`${name} changes files itself.\n`, 'note');
  else if (way === 'not') services.log(`${name} changes no files.\n`, 'note');
  else if (writes.length === 0)
    services.log(`${name} can't write files, and its task names no \`writes\`: no change is asked of it.\n`, 'note');
  else services.log(`${name} can't write files: it is asked for a patch, which is applied for it.\n`, 'note');
  if (way !== 'patch' || writes.length === 0) return undefined;
  const { applyPatch } = await import('../tools/files/patch.ts');
  const { claimedFiles } = await import('./claimed-files.ts');
  const reads = Array.isArray(config['tools']) && canReadFiles(config['tools']);
  return {
    writes,
    ...(reads ? {} : { files: await claimedFiles(folder, writes, services.signal) }),
    async apply(patch) {
      const before = await services.step(BEFORE_PATCH, {}, async () => ({
        output: (await trees.checkpoint(workspace, 'before the patch')).commit,
      }));
      try {
        const patched = await applyPatch(folder, patch);
        const paths = patched.map(({ path }) => path);
        services.log(`The patch was applied: ${paths.join(', ')}.\n`, 'note');
        return { ok: true, paths };
      } catch (error) {
        if (!(error instanceof BatonError)) throw error;
        await trees.restore(workspace, before);
        return { ok: false, problems: [error.message] };
      }
    },
  };
}
