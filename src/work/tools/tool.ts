/**
 * The port of tools: what an agent may have done for it in its workspace, and what a workflow may name as a task. A tool
 * describes itself once; its arguments are checked, permitted, bounded and recorded by `call.ts`, so a tool only acts.
 */
import type { z } from 'zod';
import type { Failure } from '../../engine/kernel/plan.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import type { Change, Commit } from '../workspace/workspace.ts';
import type { Web } from './research/request.ts';
import type { Search } from './research/search-server.ts';

/** What a call can change: nothing, files of the workspace or entries of knowledge, or whatever a program does there. */
export type Effects = 'read' | 'write' | 'execute';

export interface Tool {
  /** `group.verb`. */
  readonly name: string;
  /** For a model that has to choose, in one or two sentences. */
  readonly description: string;
  readonly input: z.ZodType;
  readonly effects: Effects;
  /** The same call again leaves things as the first did. */
  readonly idempotent: boolean;
  /** Limit of one call, in milliseconds. Default `TOOL_TIMEOUT_MS`. */
  readonly timeoutMs?: number;
  /** Failures of the world may be thrown as BatonError or be a result; anything else that is thrown is our bug. */
  run(input: unknown, place: ToolPlace): Promise<ToolResult>;
}

export interface ToolResult {
  readonly ok: boolean;
  /** What a model sees. Capped by whoever calls. */
  readonly text: string;
  /** JSON: the outputs of a task that is this tool. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Why it is not ok. */
  readonly failure?: Failure;
}

/** Where calls act: one workspace, and what its attempt may use around it. */
export interface ToolPlace {
  /** Absolute path of the workspace on this machine, without links. Nobody but Baton's own walk may follow paths in it. */
  readonly folder: string;
  /** Absolute path of the same folder for commands. */
  readonly inside: string;
  /** Runs a command in the sandbox. @throws BatonError `SANDBOX_UNAVAILABLE`, or `SANDBOX_REQUEST` for a bad request; how the command ends is a result. */
  exec(command: ExecCommand, options: ExecOptions): Promise<Executed>;
  /** A folder beside the workspace that commands may write: for reports, which are no part of the tree. */
  readonly reports: Reports;
  /** Missing where the work is over no repository. */
  readonly history?: History;
  /** What of the web may be reached. */
  readonly web: Web;
  readonly search: Search;
  readonly knowledge: Knowledge;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Keeps a payload too long for a result; gives its SHA-256. */
  put(payload: Uint8Array): string;
  /** Aborted with the call: by its time limit, or with the attempt. */
  readonly signal: AbortSignal;
  /** Live output for people; must not throw. */
  log(chunk: string, kind: 'stdout' | 'stderr' | 'note'): void;
}

/** A string for bash, an array without a shell. */
export type ExecCommand = string | readonly string[];

export interface ExecOptions {
  /** Beside what the place gives every command. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Folder where it begins, relative to the workspace. */
  readonly cwd?: string;
  /** Domains it asks for. The place decides, and never gives more than the task's policy does. */
  readonly network?: readonly string[];
  readonly signal?: AbortSignal;
}

/** How a command in the sandbox ended; as `Ended` of `processes/process.ts`. */
export interface Executed {
  readonly exitCode?: number;
  readonly stdout: ExecOutput;
  readonly stderr: ExecOutput;
  readonly ms: number;
  /** Missing after exit code 0. */
  readonly failure?: Failure;
}
export interface ExecOutput {
  /** The whole, or its last 64 KiB. */
  readonly text: string;
  /** Bytes of the whole. */
  readonly size: number;
  /** The whole where `text` is only its end. */
  readonly whole?: Uint8Array;
}

export interface Reports {
  /** Absolute path for commands. */
  readonly inside: string;
  /** A file in it, read without following links; undefined where there is none, or it is no plain file. @throws BatonError `FILE_TOO_LARGE` */
  read(name: string, bytesMax: number): Promise<Buffer | undefined>;
}

/**
 * Trees and their history as Baton's own store has them; never a `.git` that a program in the workspace could have written.
 * Paths are relative to the workspace, as in `git status`; those in a diff to the top of the repository, as git has them.
 */
export interface History {
  /** What the workspace was made from. */
  readonly base: Commit;
  /** The workspace as it stands, as a commit. */
  now(): Promise<Commit>;
  changes(from: Commit, to: Commit): Promise<readonly Change[]>;
  /** A unified diff. */
  patch(from: Commit, to: Commit, paths?: readonly string[]): Promise<string>;
  /** Newest first, beginning with the commit itself. @throws BatonError `UNKNOWN_COMMIT` */
  log(from: Commit, entriesMax: number): Promise<readonly LogEntry[]>;
  /** A file of a commit; undefined where it has none there. @throws BatonError `UNKNOWN_COMMIT`, `FILE_TOO_LARGE` */
  file(commit: Commit, path: string, bytesMax: number): Promise<Buffer | undefined>;
}
export interface LogEntry {
  readonly commit: Commit;
  readonly parents: readonly Commit[];
  readonly author: string;
  /** ISO 8601. */
  readonly date: string;
  readonly message: string;
}

interface ToolDefinition<S extends z.ZodType> extends Omit<Tool, 'input' | 'run'> {
  readonly input: S;
  run(input: z.output<S>, place: ToolPlace): Promise<ToolResult>;
}

/** A tool whose `run` is given what its schema makes of the arguments. Only `call.ts` may call it, with checked arguments. */
export const defineTool = <S extends z.ZodType>(definition: ToolDefinition<S>): Tool => definition as Tool;

/** A result that is fine. */
export const done = (text: string, data: ToolResult['data'] = {}): ToolResult => ({ ok: true, text, data });
