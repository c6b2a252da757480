import { claude } from './claude.ts';
import { codex } from './codex.ts';
import type { CodingAgentName } from './config.ts';
import { gemini } from './gemini.ts';
import { opencode } from './opencode.ts';
import type { Profile } from './profile.ts';

export const PROFILES: Readonly<Record<CodingAgentName, Profile>> = { claude, codex, opencode, gemini };
