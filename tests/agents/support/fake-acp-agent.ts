#!/usr/bin/env node
/**
 * An agent that speaks ACP and plays a part, named by its last argument. No library on purpose: what is written here
 * is what goes over the wire.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

type Message = { id?: number | string; method?: string; params?: Record<string, unknown>; result?: unknown };
type Turn = (text: string, turn: number) => Promise<string | object>;

const part = process.argv.at(-1) ?? '';
const home = process.env['HOME'] ?? '';
const diary = join(home, 'diary.jsonl');
const send = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const update = (params: object) => send({ method: 'session/update', params: { sessionId: 's-1', update: params } });
const say = (text: string, messageId?: string) =>
  update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text }, ...(messageId ? { messageId } : {}) });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const never = () => new Promise<never>(() => setInterval(() => undefined, 1000));

/** One request to a model. */
const think = async () => {
  const url = process.env['ANTHROPIC_BASE_URL'];
  if (url) await (await fetch(`${url}/v1/messages`, { method: 'POST', body: '{}' })).text();
};

const waiting = new Map<string, (result: unknown) => void>();
let asked = 0;
const ask = (method: string, params: object) =>
  new Promise<unknown>((resolve) => {
    const id = `ask-${++asked}`;
    waiting.set(id, resolve);
    send({ id, method, params });
  });

let cancelled: (() => void) | undefined;
const untilCancelled = () => new Promise<void>((resolve) => (cancelled = resolve));
const steered: string[] = [];

const tool = async (n: number, command = 'npm test', more: object = {}) => {
  const call = { toolCallId: `call-${n}`, title: command, kind: 'execute', rawInput: { command } };
  update({ sessionUpdate: 'tool_call', ...call, status: 'pending', rawInput: {} });
  update({ sessionUpdate: 'tool_call_update', ...call, status: 'in_progress', ...more });
  update({ sessionUpdate: 'tool_call_update', toolCallId: `call-${n}`, status: 'completed' });
};

const permission = async (toolCall: object) => {
  const options = [
    { optionId: 'always', name: 'Always', kind: 'allow_always' },
    { optionId: 'yes', name: 'Yes', kind: 'allow_once' },
    { optionId: 'no', name: 'No', kind: 'reject_once' },
  ];
  const answer = (await ask('session/request_permission', { sessionId: 's-1', toolCall, options })) as {
    outcome: { outcome: string; optionId?: string };
  };
  return answer.outcome.optionId ?? answer.outcome.outcome;
};

const PARTS: Record<string, Turn> = {
  answers: async () => {
    await think();
    say('Working on it.', 'm1');
    await tool(1);
    say('All ', 'm2');
    say('done.', 'm2');
    return 'end_turn';
  },
  echoes: async (text) => {
    say(text);
    return 'end_turn';
  },
  streams: async () => {
    say('begin\n');
    await pause(200);
    say('end');
    return 'end_turn';
  },
  fits: async () => {
    say('Here it is:\n```json\n{"n": 1}\n```\n');
    return 'end_turn';
  },
  'misses once': async (_text, turn) => {
    say(turn === 1 ? '{"n": "one"}' : '{"n": 1}');
    return 'end_turn';
  },
  'misses always': async () => {
    say('I would rather not.');
    return 'end_turn';
  },
  hangs: async () => {
    say('begin\n');
    await untilCancelled();
    return 'cancelled';
  },
  'hangs for good': async () => {
    say('begin\n');
    process.on('SIGTERM', () => undefined);
    return never();
  },
  crashes: async () => {
    say('begin\n');
    process.kill(process.pid, 'SIGKILL');
    return never();
  },
  leaves: async () => {
    say('begin\n');
    await pause(20);
    process.exit(0);
  },
  fails: async () => {
    say('begin\n');
    await pause(20);
    process.stderr.write('out of cheese\n');
    process.exit(3);
  },
  loops: async () => {
    for (let n = 1; n < 1000 && !cancelled; n++) await tool(n);
    return 'end_turn';
  },
  'loops under one name': async () => {
    for (let n = 1; n < 1000 && !cancelled; n++) await tool(1);
    return 'end_turn';
  },
  'almost loops': async () => {
    for (let n = 1; n <= 30; n++) await tool(n, `npm test -- ${n % 9 === 0 ? 'x' : 'y'}`);
    say('Not a loop.');
    return 'end_turn';
  },
  refuses: async () => {
    say('I must not.');
    return 'refusal';
  },
  'is cut': async (_text, turn) => {
    say(turn === 1 ? 'a long story' : 'A short story.');
    return turn === 1 ? 'max_tokens' : 'end_turn';
  },
  'meets trouble': async () => ({ error: { code: -32603, message: 'Internal error: bad thing', data: { errorKind: 'server_error' } } }),
  'meets 429': async () => ({ error: { code: 429, message: 'slow down' } }),
  'wants a login': async () => ({ error: { code: -32000, message: 'Authentication required' } }),
  'ends well though nobody answered': async () => {
    say('We are experiencing high demand.');
    return 'end_turn';
  },
  asks: async () => {
    const answers = [
      await permission({ toolCallId: 'a', kind: 'edit', title: 'Edit sum.js', rawInput: { file_path: `${process.cwd()}/sum.js` } }),
      await permission({ toolCallId: 'b', kind: 'execute', title: 'npm test', rawInput: { command: 'npm test' } }),
      await permission({ toolCallId: 'c', kind: 'execute', title: 'cat /etc/passwd', rawInput: { command: 'cat /etc/passwd' } }),
      await permission({ toolCallId: 'd', kind: 'edit', title: 'Edit', locations: [{ path: '/root/.bashrc' }] }),
      await permission({ toolCallId: 'e', kind: 'fetch', title: 'Fetch https://example.com' }),
    ];
    say(JSON.stringify(answers));
    return 'end_turn';
  },
  'takes messages': async (text, turn) => {
    if (turn > 1) {
      say(`Read: ${text.split('\n')[1]}`);
      return 'end_turn';
    }
    say('begin\n');
    await untilCancelled();
    return 'cancelled';
  },
  'is steered': async () => {
    say('begin\n');
    while (steered.length === 0) await pause(10);
    say(`Steered by: ${steered.join()}`, 'after');
    return 'end_turn';
  },
  'reads its home': async () => {
    say(
      JSON.stringify({ home: existsSync(diary) ? readFileSync(diary, 'utf8').split('\n').length - 1 : 0, env: Object.keys(process.env) }),
    );
    return 'end_turn';
  },
};

const modes = {
  currentModeId: 'plan',
  availableModes: [
    { id: 'plan', name: 'Plan' },
    { id: 'default', name: 'Default' },
  ],
};
let turns = 0;

const answer = async ({ id, method, params = {} }: Message): Promise<void> => {
  appendFileSync(diary, `${JSON.stringify({ method, params })}\n`);
  switch (method) {
    case 'initialize':
      if (part === 'never starts') return;
      if (part === 'dies at once') {
        process.stderr.write('no such option\n');
        process.exit(2);
      }
      send({
        id,
        result: {
          protocolVersion: 1,
          agentInfo: { name: 'fake', version: '1.2.3' },
          agentCapabilities: { loadSession: part !== 'cannot load' },
          ...(part === 'is steered' ? { _meta: { steering: { supported: true } } } : {}),
        },
      });
      return;
    case 'session/new':
      send({ id, result: { sessionId: 's-1', modes } });
      return;
    case 'session/load':
      if (part === 'forgets') {
        send({ id, error: { code: -32002, message: 'no such session' } });
        return;
      }
      say('What was said before.');
      send({ id, result: { modes } });
      return;
    case 'session/set_mode':
      writeFileSync(join(home, 'mode'), String(params['modeId']));
      send({ id, result: {} });
      return;
    case '_session/steering':
      steered.push((params['prompt'] as { text: string }[])[0]?.text ?? '');
      send({ id, result: { outcome: 'injected' } });
      return;
    case 'session/cancel':
      cancelled?.();
      return;
    case 'session/prompt': {
      const text = (params['prompt'] as { text: string }[])[0]?.text ?? '';
      const end = await (PARTS[part] ?? PARTS['echoes']!)(text, ++turns);
      send(typeof end === 'string' ? { id, result: { stopReason: end } } : { id, ...end });
      return;
    }
    default:
      if (id !== undefined) send({ id, error: { code: -32601, message: `no method ${method}` } });
  }
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line) as Message;
  if (message.method !== undefined) void answer(message);
  else waiting.get(String(message.id))?.(message.result);
});
process.stdin.on('end', () => process.exit(0));
