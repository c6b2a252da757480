/**
 * The port of agents: whatever can attempt a task. One attempt gives updates while it goes on, and exactly one result.
 * An adapter neither retries, nor counts money, nor touches the journal: it performs steps and reports.
 */
import type { Failure, Usage } from '../../engine/kernel/plan.ts';

/** What an agent is asked to do: the resolved definition, without secrets. */
export interface Work {
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  readonly attemptKey: string;
  readonly effectKey: string;
  /** The agent's configuration as checked by its own schema. */
  readonly agent: AgentConfig;
  readonly prompt: string;
  /** JSON Schema of the outputs asked for; without it `outputs` is `{ text }`. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** Values of the task's inputs, for agents that take data. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** What gates said about earlier attempts, oldest first. */
  readonly feedback: readonly string[];
  /** Absolute path of the task's own folder. */
  readonly folder: string;
  /** Environment for processes: allow-list, the task's `env` with secrets filled in, and Baton's own variables. */
  readonly env: Readonly<Record<string, string>>;
  /** How often output that does not fit the schema may be asked again. */
  readonly asksMax: number;
}

/** The definition of one agent: exactly one of `model`, `acp`, `command`, `a2a`, `human`, `scripted`. */
export interface AgentConfig {
  readonly name: string;
  readonly kind: 'model' | 'command' | 'human' | 'scripted';
  readonly config: Readonly<Record<string, unknown>>;
  readonly capabilities: readonly string[];
  /** How many attempts it makes at once. */
  readonly slots: number;
}

/** What an attempt hands back, before Baton checks and seals it into a handoff. */
export interface AgentResult {
  readonly status: 'done' | 'failed';
  readonly summary: string;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Files in the task's folder, relative to it. */
  readonly artifacts: readonly string[];
  /** The agent's own claims; never taken as proof. */
  readonly evidence: readonly string[];
  readonly questions: readonly string[];
}

export type AgentOutcome =
  | { readonly ok: true; readonly result: AgentResult; readonly usage?: Usage }
  | { readonly ok: false; readonly failure: Failure; readonly usage?: Usage };

/** Services an attempt is given by the host. See `AttemptContext` for the contract of each. */
export interface AgentServices {
  readonly signal: AbortSignal;
  step: (
    key: string,
    reserve: { readonly costUsd?: number; readonly tokens?: number; readonly calls?: number },
    perform: () => Promise<{ readonly output: string; readonly usage?: Usage }>,
  ) => Promise<string>;
  log(chunk: string, kind?: 'stdout' | 'stderr' | 'text' | 'note'): void;
  onMessage(handler: (text: string) => boolean | Promise<boolean>): void;
}

export interface Agent {
  /** What this adapter can do; a test of the conformance suite that needs more is skipped with this reason. */
  readonly can: { readonly stream: boolean; readonly messages: boolean; readonly schema: boolean; readonly usage: boolean; readonly resume: boolean };
  /**
   * Never throws for failures of the world. Ends soon after `services.signal` aborts, with everything it started gone
   * (failure class `cancelled` or `timeout`, by the signal's reason).
   */
  attempt(work: Work, services: AgentServices): Promise<AgentOutcome>;
}
