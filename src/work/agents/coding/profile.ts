/**
 * What has to be known of one coding agent: how it is started, how it is told where models answer and to leave the rest
 * of the world alone, and how to read what it prints. Data and small functions; nothing here starts anything.
 */
import type { ModelsInside } from '../walls.ts';
import type { Activity } from './activity.ts';
import type { CodingAgentName, Way } from './config.ts';

export interface Profile {
  readonly name: CodingAgentName;
  /** The program of each way in, and the npm package that brings it. */
  readonly programs: Readonly<Record<Way, { readonly program: string; readonly package: string }>>;
  /** The wire format it speaks, and whose models it means by a plain name. */
  readonly wire: 'openai' | 'anthropic' | 'gemini';
  readonly provider: string;
  /** Set in a conversation over ACP, where the agent has it. */
  readonly mode: string;
  /** Everything that makes it work inside its walls and nowhere else. */
  setup(setting: Setting): Setup;
  /** What one line of its output says; anything unknown says nothing. */
  read(line: JsonObject): readonly Activity[];
  /** By this way it ends a turn as if all were well when no model answered, so the meter has to be asked. */
  readonly hidesFailures?: Way;
  /** Sent with the request for a conversation over ACP. */
  readonly sessionMeta?: Readonly<Record<string, unknown>>;
}

export interface Setting {
  readonly via: Way;
  /** The model, and whose it is; missing when the agent chooses. */
  readonly model?: { readonly provider: string; readonly name: string };
  readonly mode?: string;
  readonly models: Pick<ModelsInside, 'openai' | 'anthropic' | 'gemini' | 'token'>;
  /** The agent's home, inside. */
  readonly home: string;
  /** The conversation to go on with, by command line. */
  readonly session?: string;
}

export interface Setup {
  /** Over ACP it serves on stdin and stdout; by command line it reads its prompt from stdin. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Files in its home, by path relative to it: written inside, before it starts. */
  readonly files?: Readonly<Record<string, string>>;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** Fields of output nobody promised: missing or of another type is an empty object, an empty text, or nothing. */
export const objectIn = (value: unknown): JsonObject => (typeof value === 'object' && value !== null ? (value as JsonObject) : {});
export const textIn = (value: unknown): string => (typeof value === 'string' ? value : '');
export const numberIn = (value: unknown): number => (typeof value === 'number' ? value : 0);
export const listIn = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.map(objectIn) : []);
