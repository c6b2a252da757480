/**
 * A search server that speaks MCP over stdio, message by message, so that it can do what no library would let it: its first
 * argument says how it misbehaves, and without one it is well.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: Record<string, unknown>; readonly protocolVersion?: string };
}
type Answer = { readonly result: unknown } | { readonly error: { readonly code: number; readonly message: string } };

const [mode = 'well', file = ''] = process.argv.slice(2);

const key = process.env['SEARCH_KEY'] ?? '';

const text = (said: string, more: object = {}): Answer => ({ result: { content: [{ type: 'text', text: said }], ...more } });

const results = (args: Record<string, unknown>): Answer =>
  text(JSON.stringify({ results: [{ title: `About ${args['query']}`, url: 'https://example.com/1', content: JSON.stringify(args) }] }));

async function found(args: Record<string, unknown>): Promise<Answer | undefined> {
  switch (mode) {
    case 'dies':
      process.stderr.write('my disk is gone\n');
      return process.exit(3);
    case 'leaves':
      return process.exit(0);
    case 'silent':
      process.stderr.write(`${process.pid}`);
      return undefined;
    case 'stubborn': {
      // Neither it nor what it starts ends by itself.
      const child = spawn('sleep', ['600'], { stdio: 'inherit' });
      appendFileSync(file, `${process.pid} ${child.pid}\n`);
      process.on('SIGTERM', () => undefined);
      setInterval(() => undefined, 60_000);
      return results(args);
    }
    case 'babbles':
      process.stdout.write('{"neither": "request nor answer"}\n');
      return undefined;
    case 'floods':
      process.stdout.write('x'.repeat(5 * 1024 * 1024));
      return undefined;
    case 'refuses':
      process.stderr.write(`my key is ${key}\n`);
      return { error: { code: -32000, message: `no more today, ${`${key} `.repeat(40)}` } };
    case 'fails':
      return text('quota\u202e used up', { isError: true });
    case 'shapeless':
      return { result: { content: 'all good' } };
    case 'environment':
      return text(JSON.stringify({ ...process.env, FOLDER: process.cwd() }));
    case 'tells':
      return text(JSON.stringify([{ title: `${key} `.repeat(40), url: 'https://example.com/1' }]));
    case 'finds':
      return text(JSON.stringify([{ title: 'Lions', url: file }]));
    case 'looks': {
      const reached = await fetch(file).then(
        (response) => response.text(),
        (error: unknown) => String(error instanceof Error ? (error.cause ?? error) : error),
      );
      return text(JSON.stringify({ reached, host: existsSync('/etc/shadow'), here: process.cwd() }));
    }
    default:
      return results(args);
  }
}

async function answer({ method, params = {} }: Message): Promise<Answer | undefined> {
  switch (method) {
    case 'initialize':
      return {
        result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'search', version: '1' } },
      };
    case 'tools/list':
      return { result: { tools: [{ name: 'web_search', inputSchema: { type: 'object' } }] } };
    case 'tools/call':
      return found(params.arguments ?? {});
    default:
      return undefined;
  }
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const message = JSON.parse(line) as Message;
  const said = await answer(message);
  if (said !== undefined) process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said })}\n`);
});
