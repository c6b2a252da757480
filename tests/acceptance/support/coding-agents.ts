/**
 * The real coding agents, installed from npm when they are asked for. They are no dependencies of Baton: each has a
 * folder of its own outside the checkout, which later runs find again, and which anybody may read, for in a sandbox they
 * run as nobody in particular.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PATIENCE_MS = 600_000;

export interface RealAgent {
  /** `acp: NAME`, and the way in. */
  readonly acp: 'claude' | 'codex' | 'opencode' | 'gemini';
  readonly via: 'acp' | 'cli';
  readonly model: string;
  readonly package: string;
  readonly version: string;
  readonly program: string;
}

const agent = (acp: RealAgent['acp'], via: RealAgent['via'], model: string, name: string, version: string, program: string): RealAgent => ({
  ...{ acp, via, model, package: name, version, program },
});

export const REAL_AGENTS: readonly RealAgent[] = [
  agent('codex', 'acp', 'openai/gpt-5-codex', '@agentclientprotocol/codex-acp', '2.6.0', 'codex-acp'),
  // Of a provider that only the project's settings know.
  agent('codex', 'cli', 'scripted/gpt-5-codex', '@openai/codex', '0.169.0', 'codex'),
  agent('claude', 'acp', 'anthropic/claude-sonnet-4-5', '@agentclientprotocol/claude-agent-acp', '0.100.0', 'claude-agent-acp'),
  agent('claude', 'cli', 'anthropic/claude-sonnet-4-5', '@anthropic-ai/claude-code', '2.1.329', 'claude'),
  agent('opencode', 'acp', 'openai/gpt-5', 'opencode-ai', '1.18.33', 'opencode'),
  agent('opencode', 'cli', 'openai/gpt-5', 'opencode-ai', '1.18.33', 'opencode'),
  agent('gemini', 'acp', 'google/gemini-2.5-flash', '@google/gemini-cli', '0.61.0', 'gemini'),
  agent('gemini', 'cli', 'google/gemini-2.5-flash', '@google/gemini-cli', '0.61.0', 'gemini'),
];

/** Root's own home is closed to others. */
const cacheFolder = (): string =>
  process.getuid?.() === 0
    ? '/var/tmp/baton-coding-agents'
    : join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'baton-coding-agents');

/** The path of the agent's program. @throws Error with what npm said when it can't be installed */
export async function install({ package: name, version, program }: RealAgent): Promise<string> {
  const folder = join(cacheFolder(), name.replace(/^@/, '').replaceAll('/', '-'));
  const wanted = JSON.stringify({ type: 'module', dependencies: { [name]: version } });
  const done = join(folder, 'installed.json');
  if (!existsSync(done) || readFileSync(done, 'utf8') !== wanted) {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, 'package.json'), wanted);
    // Their install scripts put the program of this machine in place.
    await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, timeout: PATIENCE_MS });
    writeFileSync(done, wanted);
  }
  return join(folder, 'node_modules', '.bin', program);
}
