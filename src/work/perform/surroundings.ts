/** What the processes of a task find around them: where they run, their environment, and what is kept out of it. */
import { BatonError } from '../../errors.ts';
import type { KnowledgeStore } from '../knowledge/store.ts';
import type { Definition, Template } from '../planning/definition.ts';
import { type Environment, inheritedEnvironment } from '../policy/environment.ts';
import { fillAll, type Secrets } from '../policy/secrets.ts';
import { AttemptError } from '../processes/failure.ts';
import { ATTEMPT_VARIABLE, HOME_VARIABLE } from '../processes/leftovers.ts';
import type { Reach } from '../sandbox/destination.ts';
import type { Sandboxes } from '../sandbox/sandbox.ts';
import type { SearchServer } from '../tools/research/search-server.ts';
import { resolvedText } from './definitions.ts';
import { type Folders, type TaskFolder, taskFolder } from './folders.ts';
import type { Repositories } from './repositories.ts';

export interface Home {
  /** Names this home in the environment of every process, so that left-overs can be found. */
  readonly homeId: string;
  readonly folders: Folders;
  readonly repositories: Repositories;
  readonly sandboxes: Pick<Sandboxes, 'choose'>;
  readonly secrets: Secrets;
  /** The search server of the project that a run is for. @throws BatonError `WORKFLOW_INVALID` for settings with mistakes */
  readonly searchServer: (run: string) => SearchServer | undefined;
  readonly knowledge: Pick<KnowledgeStore, 'of'>;
  /** How names of the web are looked up for tools and sandboxes, and what may be reached. */
  readonly reach: Reach;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Baton's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Which attempt of which task this is about. */
export interface Whose {
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
}

export const folderOf = ({ folders }: Home, { run, task, attempt }: Whose): TaskFolder => taskFolder(folders, run, task, attempt);

/** Where the commands of a task run: its folder, or the project its run was started for. Never an agent's right. */
export const placeOf = (home: Home, definition: Definition, folder: TaskFolder, run: string): string =>
  definition.in === 'project' && definition.kind === 'command' ? (home.folders.projectOf?.(run) ?? home.folders.project) : folder.work;

/**
 * The allow-list, then `env` with its secrets filled in, then Baton's own variables.
 * @throws AttemptError with the code of the secret that is missing; nothing was dispatched then.
 */
export const environmentOf = async (
  home: Home,
  whose: Whose,
  env: Readonly<Record<string, Template>> = {},
  own: Environment = {},
): Promise<Environment> => {
  const texts = Object.fromEntries(Object.entries(env).map(([name, template]) => [name, resolvedText(template)]));
  const { run, task, attempt } = whose;
  return {
    ...inheritedEnvironment(home.env),
    ...(await fillAll(texts, home.secrets).catch(refuse)),
    [HOME_VARIABLE]: home.homeId,
    [ATTEMPT_VARIABLE]: `${run}/${task}/${attempt}`,
    BATON_EFFECT_KEY: `${run}/${task}/run`,
    BATON_RUN_ID: run,
    BATON_TASK_ID: task,
    BATON_ATTEMPT: String(attempt),
    ...own,
  };
};

const refuse = (error: unknown): never => {
  if (!(error instanceof BatonError)) throw error;
  throw new AttemptError('permanent', error.code, error.message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    dispatched: false,
  });
};
