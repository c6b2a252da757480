/**
 * Makes the stored content from what an agent handed back: its artifacts are looked up inside the task's folder and
 * hashed, so that from now on they are facts and not claims.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { isAbsolute, normalize, resolve, sep } from 'node:path';
import type { AgentResult } from '../agents/agent.ts';
import type { Artifact, HandoffContent } from '../planning/definition.ts';
import { AttemptError } from '../processes/failure.ts';

/** Most bytes of one artifact: 1 GiB. */
export const ARTIFACT_MAX = 1024 ** 3;
export const ARTIFACTS_MAX = 1000;

/**
 * @param folder absolute and without links when the work began: what is elsewhere by now leads out of it
 * @throws AttemptError `BAD_ARTIFACT` of class `invalid-output`, naming each that can't be taken and why.
 */
export const seal = async (result: AgentResult, folder: string): Promise<HandoffContent> => {
  const { summary, outputs, evidence, questions } = result;
  return { summary, outputs, artifacts: await sealArtifacts(result.artifacts, folder), evidence, questions };
};

const sealArtifacts = async (paths: readonly string[], folder: string): Promise<readonly Artifact[]> => {
  const named = [...new Set(paths.map((path) => normalize(path)))].sort();
  if (named.length > ARTIFACTS_MAX) throw badArtifacts([`${named.length} artifacts are more than the ${ARTIFACTS_MAX} of one handoff`]);
  if (named.length === 0) return [];
  const sealed: Artifact[] = [];
  const problems: string[] = [];
  for (const path of named) {
    const artifact = await sealArtifact(path, folder);
    if (typeof artifact === 'string') problems.push(`${JSON.stringify(path)} ${artifact}`);
    else sealed.push(artifact);
  }
  if (problems.length > 0) throw badArtifacts(problems);
  return sealed;
};

const badArtifacts = (problems: readonly string[]): AttemptError =>
  new AttemptError('invalid-output', 'BAD_ARTIFACT', `The artifacts can't be taken:\n- ${problems.join('\n- ')}`);

const sealArtifact = async (path: string, root: string): Promise<Artifact | string> => {
  if (path.includes('\0') || path.includes('\\') || isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`))
    return 'is not inside the task’s folder';
  try {
    const real = await realpath(resolve(root, path));
    if (!real.startsWith(root + sep)) return 'leads out of the task’s folder';
    await using file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile()) return 'is not a plain file';
    if (stats.size > ARTIFACT_MAX) return `has ${stats.size} bytes, more than the ${ARTIFACT_MAX} allowed`;
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      hash.update(chunk);
      size += chunk.length;
    }
    return { path, sha256: hash.digest('hex'), size };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return code === 'ENOENT' ? 'does not exist' : `can't be read (${code})`;
  }
};
