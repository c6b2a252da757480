/**
 * The port of agents: whatever can attempt a task. One attempt gives updates while it goes on, and exactly one result.
 * An adapter neither retries, nor counts money, nor touches the journal, nor hides secrets: it performs steps and
 * reports, and whoever called it does the rest.
 */
import type { CallRule, Failure, Usage } from '../../engine/kernel/plan.ts';
import type { Command } from '../processes/process.ts';
import type { ToolAccess } from '../tools/call.ts';
import type { Walls } from './walls.ts';

export const AGENT_KINDS = ['model', 'acp', 'command', 'human', 'scripted'] as const;
export type AgentKind = (typeof AGENT_KINDS)[number];

/** The definition of one agent: exactly one of `model`, `acp`, `command`, `a2a`, `human`, `scripted`. */
export interface AgentConfig {
  readonly name: string;
  readonly kind: AgentKind;
  /** What the adapter of this kind reads; checked by `checkAgent` of the registry. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly capabilities: readonly string[];
  /** How many attempts it makes at once. */
  readonly slots: number;
  /** What tasks may ask for besides a capability, such as `eu` or `gpu`. */
  readonly labels?: readonly string[];
  /** In tokens. Without one it is not known. */
  readonly contextWindow?: number;
  /** What whoever configured it expects of it; outcomes correct that. */
  readonly figures?: AgentFigures;
}

/** For a task of size 2; a list says it for the sizes from 1 to 5. */
export interface AgentFigures {
  /** 0 to 1. */
  readonly quality?: number;
  readonly costUsd?: number | readonly number[];
  readonly latencyMs?: number | readonly number[];
}

export interface WorkPlace {
  /** The files as a program sees them. */
  readonly files: { readonly task: string; readonly handoff: string };
  command(command: Omit<Command, 'cwd' | 'walls'>): Promise<Command>;
}

/** What an agent is asked to do: the resolved definition, with secrets in `env` only. */
export interface Work {
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  /** `run/task/attempt`. */
  readonly attemptKey: string;
  /** `run/task/run`: the same for every attempt. */
  readonly effectKey: string;
  readonly agent: AgentConfig;
  readonly prompt: string;
  /** JSON Schema of the outputs asked for; without it `outputs` is `{ text }`. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** How what a model says becomes a result, where a schema does not tell: what it finds wrong is asked again. */
  readonly read?: (said: string) => Checked | Promise<Checked>;
  /** Values of the task's inputs, for agents that take data. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** What is to be told of earlier attempts, oldest first: what gates and people said, what was put back. */
  readonly feedback: readonly string[];
  /** How many of these, the oldest, an agent has acknowledged in an earlier attempt. */
  readonly acknowledged: number;
  /** Its folder is as an earlier attempt left it. */
  readonly goesOn: boolean;
  /** Absolute path of the task's own folder, where the agent works. */
  readonly folder: string;
  /** Absolute paths beside that folder: where a program finds its task, and where it may write its handoff. */
  readonly files: { readonly task: string; readonly handoff: string };
  /** How a program is started in that folder: with the paths it sees, and inside walls where the tree is an agent's. */
  readonly place: WorkPlace;
  /** Where an agent that names tools uses them. The folder is the one that the recorded steps of this task acted on. */
  readonly tools?: ToolAccess;
  /** Environment for processes: allow-list, the task's `env` with secrets filled in, and Baton's own variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Asks of one attempt for a result of the right shape, the first included. */
  readonly asksMax: number;
  /** Where a coding agent runs; it runs nowhere else. */
  readonly walls?: Walls;
  /** For an agent that changes files by a patch: what it has to know for that, and how one is applied. */
  readonly patching?: Patching;
}

/** How an agent changes the files of its folder: itself, by a patch that is applied for it, or not at all. */
export type ChangeWay = 'itself' | 'patch' | 'not';

export interface Patching {
  /** Paths that may change, as globs. */
  readonly writes: readonly string[];
  /** The files as they are, where the agent can't look for itself. */
  readonly files?: string;
  /** Applies a unified diff in the folder, all of it or nothing. Never throws for a bad patch: the agent is told what is wrong with it. */
  apply(
    patch: string,
  ): Promise<{ readonly ok: true; readonly paths: readonly string[] } | { readonly ok: false; readonly problems: readonly string[] }>;
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

/** A result of the right shape, or everything that is wrong with it, in words the agent can act on. */
export type Checked = { readonly ok: true; readonly result: AgentResult } | { readonly ok: false; readonly problems: readonly string[] };

export type AgentOutcome =
  | { readonly ok: true; readonly result: AgentResult; readonly usage?: Usage }
  /** `report` is the whole story (stack, cause chain, output), when there is more than the failure's message. */
  | { readonly ok: false; readonly failure: Failure; readonly usage?: Usage; readonly report?: string };

/** One thing that an agent wants leave for. */
export interface CallAsked {
  readonly agent: string;
  /** `edit`, `execute`, `fetch` and so on. */
  readonly kind: string;
  readonly title: string;
  /** As the agent says it, for whoever wants to see all of it. */
  readonly input?: unknown;
  readonly paths: readonly string[];
}

/** Services an attempt is given by the host. See `AttemptContext` for the contract of each. */
export interface AgentServices {
  /** `signal.reason` is a BatonError with code CANCELLED, TIMEOUT or SHUTDOWN. */
  readonly signal: AbortSignal;
  step: (
    key: string,
    reserve: { readonly costUsd?: number; readonly tokens?: number; readonly calls?: number },
    perform: () => Promise<{ readonly output: string; readonly usage?: Usage }>,
  ) => Promise<string>;
  /**
   * Has a person decide whether it may do this now; `about` is JSON, and is what they are shown. Missing where nobody can be
   * asked. @throws when the attempt is over first
   */
  ask?(about: CallAsked, rule: CallRule): Promise<{ readonly allowed: boolean; readonly by?: string }>;
  log(chunk: string, kind?: 'stdout' | 'stderr' | 'text' | 'note'): void;
  /** A command, or another call that may have changed files, has ended: the workspace is put on record. */
  ran(): void;
  onMessage(handler: (text: string) => boolean | Promise<boolean>): void;
}

export interface Agent {
  /** What this adapter can do; a test of the conformance suite that needs more is skipped with this reason. */
  readonly can: {
    /** Shows what it does while it does it. */
    readonly stream: boolean;
    /** Takes messages while it works. */
    readonly messages: boolean;
    /** Gives outputs that fit a schema, and is asked again when they don't. */
    readonly schema: boolean;
    /** Reports tokens or cost. */
    readonly usage: boolean;
    /** Goes on after the last recorded step of an attempt that was lost. */
    readonly resume: boolean;
  };
  /** How an agent that is configured so changes files, where it may. Asked before each attempt. */
  changes(agent: AgentConfig): ChangeWay;
  /**
   * Never throws for failures of the world. Ends soon after `services.signal` aborts, with everything it started gone
   * (failure class `cancelled` or `timeout`, by the signal's reason).
   */
  attempt(work: Work, services: AgentServices): Promise<AgentOutcome>;
}

/** One adapter for each kind of agent. */
export type Adapters = Readonly<Record<AgentKind, Agent>>;
