import { join } from 'node:path';
import type { Usage } from '../engine/kernel/plan.ts';
import { BatonError } from '../errors.ts';
import type { Agent, AgentConfig, AgentOutcome, AgentServices, Work } from '../work/agents/agent.ts';
import { inheritedEnvironment } from '../work/policy/environment.ts';
import { ATTEMPT_VARIABLE } from '../work/processes/leftovers.ts';

/** Puts up what an agent needs around it for one attempt, such as walls, and takes it down afterwards. */
export type Surround = (work: Work, services: AgentServices) => Promise<{ readonly work: Partial<Work>; close(): Promise<void> }>;
const ALONE: Surround = async () => ({ work: {}, close: async () => undefined });

let attempts = 0;

/** An attempt with a host in miniature: recorded steps, a signal, and a stopwatch. */
export class AttemptInMiniature {
  readonly work: Work;
  /** What recorded steps used. */
  readonly usage: Usage[] = [];
  /** Steps performed, over all runs. */
  performed = 0;
  /** When the first output came, after the start of the run. */
  shownMs = Number.POSITIVE_INFINITY;
  endedMs = 0;
  /** Resolves with the first output. */
  readonly shown: Promise<void>;
  private readonly agent: Agent;
  private readonly surround: Surround;
  private readonly recorded = new Map<string, string>();
  private readonly aborting = new AbortController();
  private readonly show: () => void;
  private onMessage: (text: string) => boolean | Promise<boolean> = () => false;

  constructor(agent: Agent, config: AgentConfig, folder: string, asksMax: number, surround: Surround = ALONE) {
    this.agent = agent;
    this.surround = surround;
    ({ promise: this.shown, resolve: this.show } = Promise.withResolvers<void>());
    attempts += 1;
    const run = `conformance-${process.pid}-${attempts}`;
    const attemptKey = `${run}/task/1`;
    const files = { task: join(folder, 'task.json'), handoff: join(folder, 'handoff.json') };
    this.work = {
      run,
      task: 'task',
      attempt: 1,
      attemptKey,
      effectKey: `${run}/task/run`,
      agent: config,
      prompt: 'Do what the scenario says.',
      inputs: {},
      feedback: [],
      acknowledged: 0,
      goesOn: false,
      folder,
      files,
      place: { files, command: async (command) => ({ ...command, cwd: folder }) },
      env: { ...inheritedEnvironment(process.env), [ATTEMPT_VARIABLE]: attemptKey },
      asksMax,
    };
  }

  async run(more: Partial<Work> = {}): Promise<AgentOutcome> {
    const startedAt = performance.now();
    const services = this.services(startedAt);
    const around = await this.surround(this.work, services);
    try {
      const outcome = await this.agent.attempt({ ...this.work, ...around.work, ...more }, services);
      this.endedMs = performance.now() - startedAt;
      return outcome;
    } finally {
      await around.close();
    }
  }

  abort(code: 'CANCELLED' | 'TIMEOUT'): void {
    this.aborting.abort(new BatonError(code, `The conformance suite says ${code}.`));
  }

  async deliver(message: string): Promise<boolean> {
    return this.onMessage(message);
  }

  private services(startedAt: number): AgentServices {
    return {
      signal: this.aborting.signal,
      log: () => {
        this.shownMs = Math.min(this.shownMs, performance.now() - startedAt);
        this.show();
      },
      ran: () => undefined,
      onMessage: (handler) => {
        this.onMessage = handler;
      },
      step: async (key, _reserve, perform) => {
        const before = this.recorded.get(key);
        if (before !== undefined) return before;
        const { output, usage } = await perform();
        this.performed += 1;
        if (usage !== undefined) this.usage.push(usage);
        this.recorded.set(key, output);
        return output;
      },
    };
  }
}
