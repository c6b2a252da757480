/** The MCP server that searches for the tools of a project: an operator's program, outside all walls, with the secrets it is given. */
import type { Search } from '../tools/research/search-server.ts';
import { environmentOf, type Home, type Whose } from './surroundings.ts';

/** The settings are looked at with each search, since a project may have changed them. */
export function searchOf(home: Home, whose: Whose, log: (chunk: string) => void): Search | undefined {
  const server = home.searchServer(whose.run);
  if (server === undefined) return undefined;
  return async ({ query, limit }, signal) => {
    const { run, tool, timeoutMs } = server;
    const secrets = Object.fromEntries(server.secrets.map((secret) => [secret, { parts: [{ secret }] }]));
    // What it needs is loaded when somebody searches.
    const [env, { callMcp }] = await Promise.all([environmentOf(home, whose, secrets), import('../tools/research/mcp.ts')]);
    const args = { ...server.with, [server.query]: query, ...(server.limit === undefined ? {} : { [server.limit]: limit }) };
    return callMcp({ run, env, cwd: home.folders.root, log }, { tool, arguments: args, timeoutMs, signal });
  };
}
