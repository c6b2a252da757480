/** Looks at the top of a folder for what kind of project it is: names, and the texts of files that describe projects. */
import { z } from 'zod';
import { listFolder, readText } from './files/access.ts';
import { type NpmPackage, type Project, parsed } from './test/runner.ts';
import type { ToolPlace } from './tool.ts';

const DESCRIBING = ['package.json', 'pyproject.toml', 'setup.cfg', 'tox.ini', 'go.mod'] as const;
/** Most bytes that are read of a file that describes a project. */
const DESCRIBING_MAX = 1024 * 1024;

/** @param cwd folder in the workspace, `.` for its top @throws BatonError as the walk */
export const readProject = async ({ folder, inside }: Pick<ToolPlace, 'folder' | 'inside'>, cwd: string): Promise<Project> => {
  const names = new Set((await listFolder(folder, cwd)).map(({ name }) => name));
  const texts = new Map<string, string>();
  for (const name of DESCRIBING) {
    const text = names.has(name) ? await readText(folder, cwd === '.' ? name : `${cwd}/${name}`, DESCRIBING_MAX) : undefined;
    if (text !== undefined) texts.set(name, text);
  }
  return {
    names,
    text: (name) => texts.get(name),
    npm: packageIn(texts.get('package.json'), names),
    inside: cwd === '.' ? inside : `${inside}/${cwd}`,
  };
};

const dependencies = z.record(z.string(), z.unknown()).optional().catch(undefined);
const manifest = z.object({
  scripts: z.record(z.string(), z.string()).optional().catch(undefined),
  dependencies,
  devDependencies: dependencies,
  packageManager: z.string().optional().catch(undefined),
});

const packageIn = (text: string | undefined, names: ReadonlySet<string>): NpmPackage | undefined => {
  const { data } = manifest.safeParse(parsed(text ?? ''));
  if (data === undefined) return undefined;
  const manager = data.packageManager?.startsWith('pnpm@') || names.has('pnpm-lock.yaml') ? 'pnpm' : 'npm';
  return {
    scripts: data.scripts ?? {},
    dependencies: new Set([...Object.keys(data.dependencies ?? {}), ...Object.keys(data.devDependencies ?? {})]),
    exec: manager === 'pnpm' ? ['pnpm', 'exec'] : ['npx', '--no-install'],
    manager,
  };
};
