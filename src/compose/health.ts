/** How agents, providers and keys are, for `baton agents` and `baton doctor`. Names of keys only, never a value. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { AgentExpected, AgentView, Check } from '../interfaces/api/shapes.ts';
import type { AgentConfig } from '../work/agents/agent.ts';
import type { Outcomes } from '../work/planning/outcomes/outcomes.ts';
import { expectedOf, SIZE_DEFAULT } from '../work/planning/route/figures.ts';
import type { Settings } from '../work/workflow/settings.ts';
import type { Staff } from './agents.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const KEYS = ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY', 'GEMINI_API_KEY'] as const;

/** @param outcomes nothing where they do not count */
export function agentViews(settings: Settings, { breakers }: Staff, now: number, outcomes: Outcomes | undefined): AgentView[] {
  const states = breakers.states(now);
  return settings.agents.map((agent) => {
    const { name, kind, capabilities, slots, config } = agent;
    const breaker = states.find((state) => state.agent === name);
    const source = settings.sources.find((each) => each.name === `agents.${name}`)?.from;
    return {
      name,
      kind,
      capabilities,
      slots,
      ...(source === undefined ? {} : { source }),
      ...(typeof config['model'] === 'string' ? { model: config['model'] } : {}),
      ...(breaker ? { breaker: breaker.status } : {}),
      expected: expectedBy(agent, outcomes),
      learn: settings.routing.learn,
    };
  });
}

function expectedBy(agent: AgentConfig, outcomes: Outcomes | undefined): AgentExpected[] {
  const counts = outcomes?.counts(agent.name) ?? new Map<string, number>();
  const capabilities = new Set([...agent.capabilities, ...counts.keys()]);
  return [...(capabilities.size > 0 ? capabilities : [''])].map((capability) => {
    const learned = outcomes?.learned(agent.name, capability, SIZE_DEFAULT);
    const { quality, success, cost, latency, from } = expectedOf(agent, SIZE_DEFAULT, learned);
    return {
      capability,
      outcomes: counts.get(capability) ?? 0,
      quality: { value: quality, from: from.quality },
      success: { value: success, from: from.success },
      costUsd: { ...cost, from: from.cost },
      latencyMs: { ...latency, from: from.latency },
    };
  });
}

const onPath = (program: string, env: Environment): boolean =>
  (env['PATH'] ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, program)));

export async function partChecks({
  cwd,
  env,
  settings,
  staff,
  now,
}: {
  cwd: string;
  env: Environment;
  settings: Settings;
  staff: Staff;
  now: number;
}): Promise<Check[]> {
  const open = staff.breakers.states(now).filter((each) => each.status === 'open');
  const keys = KEYS.filter((key) => (env[key] ?? '') !== '');
  const checks: Check[] = [
    {
      part: 'git',
      well: onPath('git', env),
      needed: false,
      says: onPath('git', env) ? 'found' : 'not found',
      hint: 'Install git: workflows over a repository need it.',
    },
    {
      part: 'bash',
      well: onPath('bash', env),
      says: onPath('bash', env) ? 'found' : 'not found',
      hint: 'Install bash: commands written as a text run in it.',
    },
    ...(await sandboxChecks(env)),
    {
      part: 'agents',
      well: true,
      says:
        settings.agents.length === 0
          ? 'none configured; a workflow file may bring its own'
          : settings.agents.map((agent) => agent.name).join(', '),
    },
    {
      part: 'model keys',
      well: keys.length > 0,
      needed: false,
      says: keys.length > 0 ? keys.join(', ') : 'none in the environment',
      hint: `Set one of ${KEYS.join(', ')} for agents that are models.`,
    },
    await codingAgents(cwd, env),
    {
      part: 'breakers',
      well: open.length === 0,
      needed: false,
      says: open.length === 0 ? 'all closed' : `open: ${open.map((each) => each.agent).join(', ')}`,
      hint: 'Their agents failed repeatedly; each is asked again by itself after a minute.',
    },
  ];
  return checks;
}

async function codingAgents(cwd: string, env: Environment): Promise<Check> {
  const { findCodingAgents } = await import('../work/agents/coding/find.ts');
  const found = await findCodingAgents({ near: [cwd], path: env['PATH'] ?? '' });
  const names = [...new Set(found.map(({ name }) => name))];
  const ways = (name: string) => found.flatMap((each) => (each.name === name ? [`${each.via} ${each.version ?? ''}`.trim()] : []));
  return {
    part: 'coding agents',
    well: true,
    needed: false,
    says: names.length > 0 ? names.map((name) => `${name} (${ways(name).join(', ')})`).join(', ') : 'none here or on the PATH',
  };
}

/** In order of preference; the first that is well is used. Each is tried for real. */
async function sandboxChecks(env: Environment): Promise<Check[]> {
  const { createSandboxes } = await import('../work/sandbox/choose.ts');
  const all = await createSandboxes({ env }).probes();
  const one = all.some(({ probe }) => probe.ok);
  return all.map(({ sandbox, probe }) => ({
    part: `sandbox ${sandbox.name}`,
    well: probe.ok || one,
    needed: false,
    says: probe.ok ? `its walls hold (${probe.ms} ms): ${probe.says}` : probe.says,
    hint: 'Install bubblewrap: what agents run needs a sandbox, and is refused without one.',
  }));
}
