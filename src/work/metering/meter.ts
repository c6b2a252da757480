/**
 * The port of the meter: what an agent's process talks to instead of a provider. It listens on a unix socket, speaks the
 * wire formats of OpenAI, Anthropic and Gemini, and passes each request on with the real key, which the agent never has.
 * Every request is a step of the attempt: reserved in the task's budget before it is sent, recorded with its usage after.
 */
import type { Failure, Usage } from '../../engine/kernel/plan.ts';

export const WIRES = ['openai', 'anthropic', 'gemini'] as const;
export type Wire = (typeof WIRES)[number];

/** Tokens of one request, as the provider counted them. */
export interface Counted {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** Where requests of one wire format really go. */
export interface Upstream {
  /** Base URL of the provider, e.g. `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** The real key; sent in the way of the wire format. */
  readonly apiKey?: string;
  /** Price lookup: the provider's name, as in `provider/model`. */
  readonly provider: string;
}

export interface MeterOptions {
  /** Absolute path of the unix socket to listen on. Mode 0600, or 0666 in a private folder when somebody else runs the agent. */
  readonly socket: string;
  /** Who must be able to connect, when Baton is root. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly upstreams: Readonly<Partial<Record<Wire, Upstream>>>;
  /** What the agent must send as its key: made for this attempt alone. */
  readonly token: string;
  /** As `AgentServices.step`. Rejects with BatonError `BUDGET_EXCEEDED` before performing. */
  readonly step: (
    key: string,
    reserve: { readonly costUsd?: number; readonly tokens?: number; readonly calls?: number },
    perform: () => Promise<{ readonly output: string; readonly usage?: Usage }>,
  ) => Promise<string>;
  /** Prefix of step keys: unique for the attempt. */
  readonly keyPrefix: string;
  /** Tokens to reserve for a request whose body names no maximum of output. */
  readonly outputTokensDefault: number;
  readonly signal: AbortSignal;
  /** US dollars of one request; nothing when no price is known. */
  readonly price?: (counted: Counted, model: string, provider: string) => Promise<number | undefined>;
  /** Told once, when the budget refused a request: the attempt should end. */
  readonly onExhausted: (error: Error) => void;
  /** A line for the transcript about each request. */
  readonly log: (text: string) => void;
}

export interface Meter {
  /** Path under which each wire format is served: `/openai/v1`, `/anthropic`, `/gemini`. */
  readonly paths: Readonly<Record<Wire, string>>;
  /** Requests answered so far, and their sum. A missing price leaves `costUsd` out. */
  readonly total: () => Usage & { readonly requests: number };
  /** What became of the latest requests, when no model answered them: the last failure, and how many there were in a row. */
  readonly failing: () => { readonly failure: Failure; readonly requests: number } | undefined;
  /** Milliseconds since a request was last begun or a byte passed. */
  readonly quietMs: () => number;
  close(): Promise<void>;
}
