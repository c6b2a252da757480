#!/usr/bin/env node
/** An agent with a command line like Claude Code's, that plays a part named by its last argument. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const args = process.argv.slice(2);
const part = args.at(-1) ?? '';
const resumed = args.includes('--resume') ? args[args.indexOf('--resume') + 1] : undefined;
const diary = join(process.env['HOME'] ?? '', 'diary.txt');
const turn = resumed === undefined ? 1 : 2;

const print = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const say = (text: string, id = 'm1') => print({ type: 'assistant', message: { id, content: [{ type: 'text', text }] } });
const tool = (n: number, command = 'npm test') => {
  print({
    type: 'assistant',
    message: { id: `t${n}`, content: [{ type: 'tool_use', id: `call-${n}`, name: 'Bash', input: { command } }] },
  });
  print({ type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: `call-${n}`, is_error: false }] } });
};
const end = (more: object = {}) =>
  print({
    type: 'result',
    subtype: 'success',
    is_error: false,
    usage: { input_tokens: 12, output_tokens: 3 },
    permission_denials: [],
    ...more,
  });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const never = () => new Promise<never>(() => setInterval(() => undefined, 1000));

const think = async () => {
  const url = process.env['ANTHROPIC_BASE_URL'];
  if (url) await (await fetch(`${url}/v1/messages`, { method: 'POST', body: '{}' })).text();
};

const PARTS: Record<string, (prompt: string) => Promise<void>> = {
  answers: async () => {
    await think();
    say('Working on it.');
    tool(1);
    say('All done.', 'm2');
    end();
  },
  echoes: async (prompt) => {
    say(prompt);
    end();
  },
  streams: async () => {
    say('begin\n');
    await pause(200);
    say('end', 'm2');
    end();
  },
  fits: async () => {
    say('{"n": 1}');
    end();
  },
  'misses once': async () => {
    say(turn === 1 ? '{"n": "one"}' : '{"n": 1}');
    end();
  },
  'misses always': async () => {
    say('I would rather not.');
    end();
  },
  hangs: async () => {
    say('begin\n');
    await never();
  },
  crashes: async () => {
    say('begin\n');
    await pause(20);
    process.kill(process.pid, 'SIGKILL');
  },
  'never says that it is done': async () => {
    say('All done, I think.');
  },
  'says so too early': async () => {
    say('All done.');
    end();
    tool(1);
  },
  'is ended politely': async () => {
    process.on('SIGTERM', () => process.exit(0));
    say('begin\n');
    await never();
  },
  fails: async () => {
    say('begin\n');
    process.stderr.write('out of cheese\n');
    process.exitCode = 3;
  },
  'knows no such option': async () => {
    process.stderr.write('error: unknown option\n');
    process.exitCode = 1;
  },
  'meets 400': async () => {
    print({ type: 'assistant', is_api_error_message: true, message: { content: [{ type: 'text', text: 'API Error: 400' }] } });
    end({ is_error: true, api_error_status: 400, result: 'API Error: 400 bad thing' });
    process.exitCode = 1;
  },
  'meets 500': async () => {
    print({ type: 'system', subtype: 'api_retry', error_status: 500 });
    end({ is_error: true, api_error_status: 500, result: 'API Error: 500' });
    process.exitCode = 1;
  },
  'tries for ever': async () => {
    for (;;) {
      print({ type: 'system', subtype: 'api_retry', error_status: 500 });
      await pause(5);
    }
  },
  loops: async () => {
    for (let n = 1; n < 10_000; n++) {
      tool(n);
      await pause(1);
    }
  },
  'is denied': async () => {
    say('I may not.');
    end({ permission_denials: [{ tool_name: 'WebFetch', tool_use_id: 'x', tool_input: { url: 'https://example.com' } }] });
  },
  'talks nonsense': async () => {
    process.stdout.write('Welcome!\n[1, 2]\n"text"\n{"type": "unheard of"}\n{"type": "assistant", "message": "none"}\n{broken\n');
    say('All done.');
    end();
  },
  'forgets its conversations': async () => {
    if (resumed !== undefined) {
      process.stderr.write(`No conversation found with session ID: ${resumed}\n`);
      process.exitCode = 1;
      return;
    }
    say('Begun anew.');
    end();
  },
  'tells what it knows': async (prompt) => {
    say(JSON.stringify({ prompt, resumed, turns: existsSync(diary) ? readFileSync(diary, 'utf8').trim().split('\n').length : 0, args }));
    end();
  },
};

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk);
appendFileSync(diary, `${part}\n`);
if (part !== 'knows no such option' && part !== 'forgets its conversations') print({ type: 'system', subtype: 'init', session_id: 'c-1' });
await PARTS[part]?.(Buffer.concat(chunks).toString());
