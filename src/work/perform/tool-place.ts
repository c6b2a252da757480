/** Where the tools of a task act: its workspace, commands inside the walls, and reports that are no part of the tree. */
import { chown, constants, mkdir, open } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { defined } from '../../defined.ts';
import type { AttemptContext } from '../../engine/host/host.ts';
import { BatonError } from '../../errors.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import type { Environment } from '../policy/environment.ts';
import { programOf } from '../processes/command-text.ts';
import { runProcess } from '../processes/process.ts';
import type { History, Reports, ToolPlace } from '../tools/tool.ts';
import type { Place } from './place.ts';
import { searchOf } from './search.ts';
import type { Home, Whose } from './surroundings.ts';
import type { Watch } from './watch-workspace.ts';

/** Whose tools they are, and what its task was given. */
export interface ToolUser extends Whose {
  /** Missing where the task itself is the tool. */
  readonly agent?: string;
  readonly env: Environment;
  /** Domains. */
  readonly network: readonly string[];
}

export async function openToolPlace(
  home: Home,
  place: Place,
  user: ToolUser,
  context: Pick<AttemptContext, 'blobs' | 'log' | 'signal'>,
  watch?: Pick<Watch, 'ran'>,
): Promise<ToolPlace> {
  const history = historyOf(place);
  return {
    folder: place.real,
    inside: place.inside,
    async exec(run, options) {
      const { walls } = place;
      if (!walls)
        throw new BatonError('SANDBOX_UNAVAILABLE', 'Commands that an agent chooses run in a sandbox, and there is none here.', {
          hint: '`baton doctor` says what is missing.',
        });
      const [program, args] = programOf(run);
      const own = { ...user.env, ...options.env };
      const cwd = options.cwd === undefined ? {} : { cwd: join(place.inside, options.cwd) };
      const ended = await runProcess({
        run,
        cwd: place.folder,
        env: own,
        walls: await walls.wrap({ command: [program, ...args], env: own, ...cwd }),
        signal: options.signal ?? context.signal,
        redactor: home.secrets.redactor(),
        log: (chunk, kind) => context.log(chunk, kind),
        ...defined({ timeoutMs: options.timeoutMs }),
      });
      await watch?.ran();
      return ended;
    },
    reports: await openReports(place, user.attempt),
    ...(history ? { history } : {}),
    web: { ...home.reach, allow: user.network },
    search: searchOf(home, user, (chunk) => context.log(chunk, 'stderr')),
    knowledge: knowledgeOf(home, user),
    now: home.now,
    put: (payload) => context.blobs.put(payload),
    signal: context.signal,
    log: (chunk, kind) => context.log(chunk, kind),
  };
}

/** What is kept outlives the run, so no secret may get into it. */
function knowledgeOf({ knowledge, folders, secrets }: Home, { run, task, attempt, agent }: ToolUser): Knowledge {
  const own = knowledge.of(folders.projectOf?.(run) ?? folders.project, { run, task, attempt, ...defined({ agent }) });
  return { ...own, put: (entry) => own.put(secrets.redactor().value(entry)) };
}

async function openReports({ exchange, files, walls }: Place, attempt: number): Promise<Reports> {
  const name = `reports-${attempt}`;
  const folder = join(exchange.folder, name);
  await mkdir(folder, { recursive: true });
  const owner = walls?.sandbox.owner;
  if (owner) await chown(folder, owner.uid, owner.gid);
  return {
    inside: join(files.task, '..', name),
    async read(report, bytesMax) {
      if (report.includes('/') || report === '..') throw new BatonError('PATH_UNSAFE', `"${report}" is no name of a report.`);
      // Written by whoever was inside: neither followed nor waited for.
      const file = await open(join(folder, report), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
        () => undefined,
      );
      if (!file) return undefined;
      try {
        const stats = await file.stat();
        if (!stats.isFile()) return undefined;
        if (stats.size > bytesMax)
          throw new BatonError('FILE_TOO_LARGE', `The report ${report} has ${stats.size} bytes, more than the ${bytesMax} allowed.`);
        return await file.readFile();
      } finally {
        await file.close();
      }
    },
  };
}

function historyOf({ workspace, repository }: Place): History | undefined {
  if (!workspace || !repository) return undefined;
  const { trees, folder = '' } = repository;
  const inTree = (path: string): string => posix.join(folder, path);
  const seen = (path: string): string => posix.relative(folder, path);
  return {
    base: workspace.base,
    now: async () => (await trees.checkpoint(workspace, 'looked at')).commit,
    changes: async (from, to) => (await trees.changes(from, to)).map((change) => ({ ...change, path: seen(change.path) })),
    patch: (from, to, paths) => trees.patch(from, to, paths?.map(inTree)),
    log: (from, entriesMax) => trees.log(from, entriesMax),
    file: (commit, path, bytesMax) => trees.file(commit, inTree(path), bytesMax),
  };
}
