import type { CommandText } from '../../processes/command-text.ts';

/** The operator's search server: an MCP server over stdio. */
export interface SearchServer {
  readonly run: CommandText;
  readonly tool: string;
  /** The name of the argument that takes what is searched for. */
  readonly query: string;
  /** The same for how many results there may be, where it takes that. */
  readonly limit?: string;
  /** Arguments that are always the same. */
  readonly with: Readonly<Record<string, unknown>>;
  /** Each is an environment variable of its name. */
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
}

/** @returns the answer of `tools/call`, not checked */
export type Search = (asked: { readonly query: string; readonly limit: number }, signal: AbortSignal) => Promise<unknown>;
