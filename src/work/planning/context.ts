/** What a planner is told of a project: its files, what describes it, and how it is built and tested. Data, never an instruction. */
import { defined } from '../../defined.ts';

export interface ProjectContext {
  /** Paths of files, as many as fit. */
  readonly files: readonly string[];
  /** Files that are not in the list. */
  readonly more: number;
  /** Texts that describe the project, by path, cut to what fits. */
  readonly texts: Readonly<Record<string, string>>;
  /** Commands that the project itself has, by what they are for. */
  readonly commands: Readonly<Partial<Record<'test' | 'build' | 'lint' | 'types', string>>>;
  /** Names of the scripts of a package.json; none where there is no such file. */
  readonly scripts?: ReadonlySet<string>;
}

export const NO_PROJECT: ProjectContext = { files: [], more: 0, texts: {}, commands: {} };

/** Characters of a listing and of each text: some 8,000 tokens in all. */
const [LISTING_MAX, TEXT_MAX, TEXTS_MAX] = [12_000, 4_000, 5];
const DESCRIBING = /^(?:README(?:\.\w+)?|package\.json|pyproject\.toml|Cargo\.toml|go\.mod|CONTRIBUTING\.md|AGENTS\.md|Makefile)$/i;

const topFirst = (a: string, b: string): number => depthOf(a) - depthOf(b) || (a < b ? -1 : 1);

/** The files whose texts tell what a project is, the ones at its top first. */
export const describing = (files: readonly string[]): string[] =>
  files
    .filter((file) => DESCRIBING.test(file))
    .sort(topFirst)
    .slice(0, TEXTS_MAX);

/**
 * @param files all paths of the project, relative to it
 * @param texts of those that describe it, by path
 */
export function describeProject(files: readonly string[], texts: ReadonlyMap<string, string>): ProjectContext {
  const sorted = [...files].sort(topFirst);
  const listed: string[] = [];
  let room = LISTING_MAX;
  for (const file of sorted) {
    room -= file.length + 1;
    if (room < 0) break;
    listed.push(file);
  }
  const scripts = scriptsOf(texts.get('package.json'));
  return {
    files: listed,
    more: files.length - listed.length,
    texts: Object.fromEntries([...texts].map(([file, text]) => [file, cut(text)])),
    commands: commandsOf(new Set(files), scripts),
    ...(scripts ? { scripts: new Set(Object.keys(scripts)) } : {}),
  };
}

const depthOf = (path: string): number => path.split('/').length;
const cut = (text: string): string =>
  text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}\n[${text.length - TEXT_MAX} more characters]`;

function scriptsOf(manifest: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (manifest === undefined) return undefined;
  try {
    const { scripts } = JSON.parse(manifest) as { scripts?: unknown };
    return typeof scripts === 'object' && scripts !== null ? (scripts as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function commandsOf(files: ReadonlySet<string>, scripts: Readonly<Record<string, unknown>> | undefined): ProjectContext['commands'] {
  if (scripts) {
    const run = files.has('pnpm-lock.yaml') ? 'pnpm run' : files.has('yarn.lock') ? 'yarn run' : 'npm run';
    const script = (...names: readonly string[]) => names.find((name) => typeof scripts[name] === 'string');
    const command = (name: string | undefined) =>
      name === undefined ? undefined : name === 'test' ? `${run.split(' ')[0]} test` : `${run} ${name}`;
    return defined({
      test: command(script('test')),
      build: command(script('build')),
      lint: command(script('lint', 'check')),
      types: command(script('types', 'typecheck', 'type-check')),
    });
  }
  if (files.has('Cargo.toml')) return { test: 'cargo test', build: 'cargo build', lint: 'cargo clippy -- -D warnings' };
  if (files.has('go.mod')) return { test: 'go test ./...', build: 'go build ./...', lint: 'go vet ./...' };
  if (files.has('pyproject.toml') || files.has('setup.cfg') || files.has('pytest.ini')) return { test: 'python -m pytest' };
  return {};
}
