// req P1, P7, F4: from a sentence to a promoted change, with a planning model, and without one.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { point } from '../point.ts';
import { baton, type Said } from '../support/cli.ts';
import { install, REAL_AGENTS } from '../support/coding-agents.ts';
import { makeRepository, type Repository } from '../support/repository.ts';

const GOAL = 'Fix the failing tests';
const root = fileURLToPath(new URL('../../../', import.meta.url));
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

interface Level {
  readonly name: 'model' | 'recipe';
  readonly agents: object;
  /** What the printed plan must say, and what a run must tell. */
  readonly told: Readonly<Record<string, RegExp>>;
  readonly plansAsked: number;
}

const MODEL: Level = {
  name: 'model',
  agents: {
    planner: { model: 'openai/scripted-planner', capabilities: ['plan'] },
    fixer: { model: 'openai/scripted', tools: ['files', 'test'], capabilities: ['code'] },
  },
  told: {
    'the level and why': /level {2}model: the agent planner made it/,
    'its requirements': /R2 {2}The whole suite passes in the end/,
    'what was put right': /UNROUTABLE {2}"slug" asks for the capability "cod": taken as "code"/,
    'both tasks at once': /look → (?:slug|duration) → suite/,
    'every candidate': /→ fixer .*\n\s+planner .*it does not have the capability "code"/,
  },
  // One plan that was sent back and one that was taken: for the plan, and for the run.
  plansAsked: 4,
};

export default point(import.meta, {
  id: 'planning/goal',
  title: 'a sentence becomes a promoted change',
  bar: '`baton run "Fix the failing tests"` by the model level, and by a recipe with a coding agent alone; both plans printed and explained',
  timeoutMs: 20 * 60_000,
  async run() {
    const wrong: string[] = [];
    const told: string[] = [];
    for (const level of [MODEL, await recipeLevel()]) {
      const { problems, figure } = await play(level);
      wrong.push(...problems.map((each) => `${level.name}: ${each}`));
      told.push(`${level.name}: ${figure}`);
    }
    return { holds: wrong.length === 0, figure: told.join('; '), detail: wrong.join('\n') };
  },
});

/** No model is configured; a real coding agent is. */
async function recipeLevel(): Promise<Level> {
  const codex = REAL_AGENTS.find(({ acp, via }) => acp === 'codex' && via === 'acp');
  if (!codex) throw new Error('codex is no longer among the agents');
  const command = await install(codex);
  return {
    name: 'recipe',
    agents: { codex: { acp: 'codex', via: 'acp', model: codex.model, command, capabilities: ['code'] } },
    told: {
      'the level and why': /level {2}recipe: no model is configured; the recipe fix-failing-tests /,
      'its gate': /fix: npm test/,
      'its chain': /reproduce → fix → verify/,
      'the candidate': /→ codex .*nobody else can/,
    },
    plansAsked: 0,
  };
}

async function play({ agents, told, plansAsked, name }: Level) {
  const repository = makeRepository(`goal-${name}`, { ...bundled(), 'baton.yaml': JSON.stringify({ version: 1, agents }) });
  const top = dirname(repository.folder);
  const counts = join(top, 'plans');
  const models = await startModels(counts);
  const env = { ...models.env, BATON_HOME: repository.home };
  const before = repository.git('rev-parse', 'HEAD');
  try {
    const plan = baton(repository.folder, ['plan', GOAL, '--explain'], env);
    const run = baton(repository.folder, ['run', GOAL], env);
    const checks: Readonly<Record<string, boolean>> = {
      [`the plan is printed (exit ${plan.code}: ${plan.err})`]: plan.code === 0,
      ...Object.fromEntries(Object.entries(told).map(([what, text]) => [`the plan tells ${what}:\n${plan.out}`, text.test(plan.out)])),
      [`the run tells its plan: ${run.out}`]: /"goal" is planned, \d tasks: .* → baton show \w+ goal~plan/.test(run.out),
      [`the run succeeds (exit ${run.code}): ${run.out}`]: run.code === 0,
      'the change is in the tree': repository.git('status', '--short') === ' M src/duration.js\n M src/slug.js\n',
      'all tests pass there': passes(repository),
      'no commit was made': repository.git('rev-parse', 'HEAD') === before,
      [`${plansAsked} plans were asked for, not ${asked(counts)}`]: asked(counts) === plansAsked,
    };
    return {
      problems: Object.entries(checks).flatMap(([what, holds]) => (holds ? [] : [`it is not so that ${what}`])),
      figure: `plan in ${seconds(plan)}, run in ${seconds(run)}, ${/(\d+ tasks done)/.exec(run.out)?.[1] ?? 'nothing done'}`,
    };
  } finally {
    models.child.kill();
    rmSync(top, { recursive: true, force: true });
  }
}

const seconds = ({ ms }: Said): string => `${(ms / 1_000).toFixed(1)} s`;

function bundled(): Record<string, string> {
  const project = join(root, 'examples/repair/project');
  const paths = readdirSync(project, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));
  return Object.fromEntries(paths.map((path) => [path.slice(project.length + 1), readFileSync(path, 'utf8')]));
}

async function startModels(counts: string): Promise<{ readonly child: ChildProcess; readonly env: Record<string, string> }> {
  const child = spawn(process.execPath, [here('../support/planning-models.js'), counts], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, env: JSON.parse(said.toString()) };
}

function asked(counts: string): number {
  try {
    return Number(readFileSync(counts, 'utf8'));
  } catch {
    return 0;
  }
}

function passes({ folder }: Repository): boolean {
  try {
    execFileSync(process.execPath, ['--test'], { cwd: folder, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
