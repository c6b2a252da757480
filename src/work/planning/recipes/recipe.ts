/**
 * Plans that engineers wrote by hand for work that comes up again and again. A recipe is chosen by what the goal says and
 * what the project has; it is a plan like any other, and is routed, validated and shown like one.
 */
import type { Draft, DraftTask, DraftTaskKind } from '../draft.ts';
import type { Situation } from '../situation.ts';

export interface Recipe {
  readonly name: string;
  /** What it is for, in a line. */
  readonly what: string;
  /** Is the goal of this kind, and is there what the recipe needs? */
  readonly fits: (goal: string, situation: Situation) => boolean;
  readonly tasks: (goal: string, situation: Situation) => readonly DraftTask[];
}

/** A goal is one obligation: recipes do not read it. */
export const draftOf = (goal: string, tasks: readonly DraftTask[]): Draft => ({
  goal,
  requirements: [{ id: 'R1', text: goal }],
  questions: [],
  tasks,
});

type Rest = Partial<Omit<DraftTask, 'id' | 'kind' | 'title' | 'text'>>;
const task = (kind: DraftTaskKind, id: string, title: string, text: string, rest: Rest = {}): DraftTask => ({
  id,
  kind,
  title,
  text,
  needs: [],
  ...rest,
});
export const command = (id: string, title: string, run: string, rest?: Rest) => task('command', id, title, run, rest);
export const tool = (id: string, title: string, name: string, rest?: Rest) => task('tool', id, title, name, rest);
export const approve = (id: string, title: string, question: string, rest?: Rest) => task('approve', id, title, question, rest);

/** Somebody does it: whoever has the first of these capabilities that anybody has, else an agent that works on files by itself. */
export const byAgent = (
  { agents }: Situation,
  wanted: readonly string[],
  id: string,
  title: string,
  text: string,
  rest: Rest = {},
): DraftTask => task('agent', id, title, text, { ...whoOf(agents, wanted), ...rest });

export const hasWorker = ({ agents }: Situation): boolean => whoOf(agents, []) !== undefined;

/** Kinds of agents in the order in which they are likely to be able to change files. People are asked only where they are named. */
const WORKERS = ['acp', 'command', 'model', 'scripted'] as const;

export function whoOf(agents: Situation['agents'], wanted: readonly string[]): Pick<DraftTask, 'capability' | 'agent'> | undefined {
  const capability = wanted.find((each) => agents.some(({ capabilities }) => capabilities.includes(each)));
  if (capability !== undefined) return { capability };
  const kind = WORKERS.find((each) => agents.some((agent) => agent.kind === each));
  const worker = agents.find((agent) => agent.kind === kind);
  return worker && { agent: worker.name };
}

/** What the project itself checks everything by, as gates. */
export const ownChecks = ({ project: { commands } }: Situation, also: readonly ('lint' | 'types' | 'build')[] = []) => {
  const all = [commands.test, ...also.map((each) => commands[each])];
  const gates = all.flatMap((run) => (run === undefined ? [] : [{ run }]));
  return gates.length > 0 ? { gates } : {};
};

/** The whole goal, where a part of it is asked for. */
export const about = (text: string, goal: string): string => `${text}\n\nThe goal all this is for:\n${goal}`;
