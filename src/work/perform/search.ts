/**
 * How the tools of an attempt search: the server that the project's settings name is asked, with the secrets they name for
 * it. A server that is a command starts in a folder of its own, which is not the workspace, and inside walls, with a way out
 * to the domains that the settings name. It is the operator's program, so they may also do without walls.
 */
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError } from '../../errors.ts';
import { nameOf, programOf } from '../processes/command-text.ts';
import type { McpLine } from '../tools/research/mcp.ts';
import type { Search, SearchCommand, SearchUrl } from '../tools/research/search-server.ts';
import { wallsOf } from './place.ts';
import { environmentOf, folderOf, type Home, type Whose } from './surroundings.ts';
import { namedFiles } from './tool-mounts.ts';
import { openWayOut } from './way-out.ts';

/** The settings are read, and what it needs is loaded, when somebody searches. @param log what the server prints on stderr; must not throw */
export function searchOf(home: Home, whose: Whose, log: (chunk: string) => void): Search {
  return async ({ query, limit }, signal) => {
    const server = home.searchServer(whose.run);
    if (server === undefined) throw noSearch();
    const { at, tool, timeoutMs } = server;
    const { callMcp } = await import('../tools/research/mcp.ts');
    const open = (until: AbortSignal) => ('url' in at ? openAt(home, at) : openCommand(home, whose, at, log, until));
    return callMcp(open, {
      ...{ tool, timeoutMs, signal },
      server: 'url' in at ? new URL(at.url).origin : nameOf(at.run),
      arguments: { ...server.with, [server.query]: query, ...(server.limit === undefined ? {} : { [server.limit]: limit }) },
      redact: (value) => home.secrets.redactor().value(value),
    });
  };
}

async function openCommand(
  home: Home,
  whose: Whose,
  at: SearchCommand,
  log: (chunk: string) => void,
  signal: AbortSignal,
): Promise<McpLine> {
  const folder = join(folderOf(home, whose).folder, '..', 'search');
  await mkdir(folder, { recursive: true });
  const env = await environmentOf(home, whose, Object.fromEntries(at.secrets.map((secret) => [secret, { parts: [{ secret }] }])));
  const command = { run: at.run, env, cwd: folder, signal, log, redactor: home.secrets.redactor() };
  const { openProcess } = await import('../tools/research/mcp-process.ts');
  if (!at.sandbox) return openProcess(command);

  const sandbox = await home.sandboxes.choose();
  if (sandbox.owner) await chown(folder, sandbox.owner.uid, sandbox.owner.gid);
  const out = await openWayOut(home, whose, at.network, sandbox.owner, signal);
  try {
    const [program, args] = programOf(at.run);
    const walls = await wallsOf(home, sandbox, { workspace: folder, mounts: [], out }).wrap({
      command: [program, ...args],
      env,
      mounts: namedFiles(at.run),
    });
    const line = await openProcess({ ...command, walls });
    return { ...line, close: () => line.close().finally(() => out?.close()) };
  } catch (error) {
    await out?.close();
    throw error;
  }
}

async function openAt({ secrets }: Home, { url, bearer }: SearchUrl): Promise<McpLine> {
  const { openUrl } = await import('../tools/research/mcp-url.ts');
  return openUrl(url, bearer === undefined ? undefined : await secrets.value(bearer));
}

const noSearch = (): BatonError =>
  new BatonError('NO_SEARCH', 'No search server is configured, so nothing can be searched.', {
    where: 'baton.yaml',
    hint: 'Name an MCP server: `research: { search: { command: [PROGRAM], tool: NAME } }`.',
  });
