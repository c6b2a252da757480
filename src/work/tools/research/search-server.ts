/** The operator's search server, as the settings name it: a tool of an MCP server. */
import type { CommandText } from '../../processes/command-text.ts';

export interface SearchServer {
  readonly at: SearchCommand | SearchUrl;
  readonly tool: string;
  /** The name of the argument that takes what is searched for. */
  readonly query: string;
  /** The same for how many results there may be, where it takes that. */
  readonly limit?: string;
  /** Arguments that are always the same. */
  readonly with: Readonly<Record<string, unknown>>;
  /** For everything: start, call and answer. */
  readonly timeoutMs: number;
}

/** Started for a search and ended after it; speaks over stdio. */
export interface SearchCommand {
  readonly run: CommandText;
  /** Each is an environment variable of its name. */
  readonly secrets: readonly string[];
  /** Domains that it may reach from inside its walls. */
  readonly network: readonly string[];
  /** Whether there are walls. */
  readonly sandbox: boolean;
}

/** Answers over streamable HTTP. */
export interface SearchUrl {
  readonly url: string;
  /** The secret that is sent as bearer token. */
  readonly bearer?: string;
}

/**
 * @returns the answer of `tools/call`, not checked
 * @throws as `callMcp`; BatonError `NO_SEARCH` when no server is named, or of settings, secrets and the sandbox
 */
export type Search = (asked: { readonly query: string; readonly limit: number }, signal: AbortSignal) => Promise<unknown>;
