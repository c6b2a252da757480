/**
 * Which way the change of an agent comes into its workspace is asked of its adapter, and told in the log. One that can't
 * write files is asked for a patch, if its task says what it writes: it is shown those files where it can't read them
 * itself, and its patch is applied by Baton's own walk, which follows no link.
 *
 * A patch that only adds fits a second time, so it must not be applied twice. What the workspace was like before it is a
 * recorded step of the attempt; the attempt that follows a lost one is put back to that, unless it has gone on from
 * another base since: then nothing was applied to it yet.
 */
import type { AttemptContext } from '../../engine/host/host.ts';
import { BatonError } from '../../errors.ts';
import type { AgentConfig, AgentServices, ChangeWay, Patching } from '../agents/agent.ts';
import { canReadFiles } from '../tools/names.ts';
import type { Place, Stand } from './place.ts';
import { tried } from './trouble.ts';

/** Of one attempt. */
const BEFORE_PATCH = /^before-patch-(\d+)$/;
const beforePatchOf = (attempt: number): string => `before-patch-${attempt}`;

/** What the workspace of this task was, if an attempt was lost when it had applied a patch, or not yet, or half. */
export function beforePatch({ recorded, blobs }: Pick<AttemptContext, 'recorded' | 'blobs'>): Stand | undefined {
  const attempts = [...recorded.keys()].map((key) => Number(BEFORE_PATCH.exec(key)?.[1] ?? 0));
  const stored = blobs.get(recorded.get(beforePatchOf(Math.max(0, ...attempts))) ?? '');
  return stored && (JSON.parse(Buffer.from(stored).toString('utf8')) as Stand);
}

/** Says in the log which way was chosen. Undefined where none is needed: the agent works itself, or has nothing to change. */
export async function openPatching(
  { real: folder, workspace, repository }: Place,
  way: ChangeWay,
  { name, config }: AgentConfig,
  { spec, attempt }: Pick<AttemptContext, 'spec' | 'attempt'>,
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
      const { commit } = await tried(() => trees.checkpoint(workspace, 'before the patch'));
      const before: Stand = { base: workspace.base, commit };
      await services.step(beforePatchOf(attempt), {}, async () => ({ output: JSON.stringify(before) }));
      try {
        const patched = await applyPatch(folder, patch);
        const paths = patched.map(({ path }) => path);
        services.log(`The patch was applied: ${paths.join(', ')}.\n`, 'note');
        return { ok: true, paths };
      } catch (error) {
        if (!(error instanceof BatonError)) throw error;
        await trees.restore(workspace, commit);
        return { ok: false, problems: [error.message] };
      }
    },
  };
}
