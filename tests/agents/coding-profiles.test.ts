// req A2: how each coding agent is told what it needs, and how its lines are read. Lines are as the real programs print them.
import { describe, expect, test } from 'vitest';
import type { Activity } from '../../src/work/agents/coding/activity.ts';
import { CODING_AGENTS, codingConfigSchema } from '../../src/work/agents/coding/config.ts';
import { modelNeeds } from '../../src/work/agents/coding/needs.ts';
import type { Setting } from '../../src/work/agents/coding/profile.ts';
import { PROFILES } from '../../src/work/agents/coding/profiles.ts';

const models = { openai: 'http://m/openai/v1', anthropic: 'http://m/anthropic', gemini: 'http://m/gemini', token: 'token-1' };
const setting = (via: Setting['via'], more: Partial<Setting> = {}): Setting => ({ via, models, home: '/agent/home', ...more });
const setupOf = (name: keyof typeof PROFILES, via: Setting['via'], more: Partial<Setting> = {}) => PROFILES[name].setup(setting(via, more));
const read = (name: keyof typeof PROFILES, ...lines: string[]): readonly Activity[] =>
  lines.flatMap((line) => PROFILES[name].read(JSON.parse(line)));

describe('every agent', () => {
  for (const name of CODING_AGENTS)
    for (const via of ['acp', 'cli'] as const)
      test(`${name} by ${via} is led to the meter, with the token for its key, and keeps to its home`, () => {
        const { args, env, files = {} } = setupOf(name, via, { model: { provider: 'openai', name: 'm-1' } });
        const everything = JSON.stringify([args, env, files]);
        expect(everything).toMatch(/http:\/\/m\/(openai\/v1|anthropic|gemini)/);
        expect(everything).toContain('token-1');
        expect(everything).toContain('m-1');
        for (const value of Object.values(env)) expect(value).not.toMatch(/^\/(?!agent\/home)/);
      });

  for (const name of CODING_AGENTS)
    test(`${name} resumes a conversation by its name`, () => {
      expect(setupOf(name, 'cli', { session: 's-9' }).args.join(' ')).toMatch(/(resume|--resume|--session) s-9/);
      expect(setupOf(name, 'cli').args.join(' ')).not.toMatch(/resume|--session/);
    });

  for (const name of CODING_AGENTS)
    test(`${name} says nothing by lines that nobody knows`, () => {
      const odd = [
        '{}',
        '{"type":"news"}',
        '{"type":"item.completed"}',
        '{"type":"assistant","message":7}',
        '{"type":"error","error":null}',
      ];
      const types = odd.flatMap((line) => PROFILES[name].read(JSON.parse(line))).map(({ type }) => type);
      expect(types).not.toContain('text');
      expect(types.filter((type) => type === 'end').length).toBeLessThanOrEqual(name === 'opencode' ? 1 : 0);
    });
});

describe('codex', () => {
  test('is told everything by arguments, or over ACP by one variable', () => {
    const { args } = setupOf('codex', 'cli', { model: { provider: 'openai', name: 'gpt-5' } });
    expect(args).toContain('model_providers.baton.base_url="http://m/openai/v1"');
    expect(args).toContain('model="gpt-5"');
    expect(args).toContain('approval_policy="never"');
    expect(args.at(-1)).toBe('-');
    const { env } = setupOf('codex', 'acp');
    expect(JSON.parse(env['CODEX_CONFIG'] ?? '')).toMatchObject({ model_provider: 'baton', sandbox_mode: 'danger-full-access' });
  });

  test('is read', () => {
    expect(
      read(
        'codex',
        '{"type":"thread.started","thread_id":"01a1fb2f-306f-7432-94f5-dd0f2d774a20"}',
        '{"type":"item.completed","item":{"id":"item_0","type":"error","message":"Model metadata not found."}}',
        '{"type":"turn.started"}',
        `{"type":"item.started","item":{"id":"item_1","type":"command_execution","command":"/bin/bash -lc 'npm test'","aggregated_output":"","exit_code":null,"status":"in_progress"}}`,
        `{"type":"item.completed","item":{"id":"item_1","type":"command_execution","command":"/bin/bash -lc 'npm test'","aggregated_output":"ok","exit_code":0,"status":"completed"}}`,
        '{"type":"item.completed","item":{"id":"item_2","type":"agent_message","text":"Fixed."}}',
        '{"type":"turn.completed","usage":{"input_tokens":2200,"cached_input_tokens":0,"cache_write_input_tokens":0,"output_tokens":70,"reasoning_output_tokens":0}}',
      ),
    ).toEqual([
      { type: 'session', id: '01a1fb2f-306f-7432-94f5-dd0f2d774a20' },
      { type: 'trouble', text: 'Model metadata not found.' },
      { type: 'tool', call: 'item_1', name: 'command', input: "/bin/bash -lc 'npm test'", title: "/bin/bash -lc 'npm test'" },
      { type: 'tool-end', call: 'item_1', ok: true },
      { type: 'text', text: 'Fixed.', message: 'item_2' },
      { type: 'usage', inputTokens: 2200, outputTokens: 70, whole: true },
      { type: 'end', ok: true },
    ]);
    expect(
      read(
        'codex',
        '{"type":"error","message":"Reconnecting... waiting for network"}',
        '{"type":"turn.failed","error":{"message":"{\\"error\\":{\\"message\\":\\"bad thing\\"}}"}}',
      ),
    ).toEqual([
      { type: 'trouble', text: 'Reconnecting... waiting for network' },
      { type: 'end', ok: false, says: '{"error":{"message":"bad thing"}}' },
    ]);
  });
});

describe('claude', () => {
  test('is told everything by its environment, and leaves out what a repository says', () => {
    const { args, env } = setupOf('claude', 'cli', { mode: 'plan' });
    expect(args.join(' ')).toContain('--permission-mode plan');
    expect(args.join(' ')).toContain('--setting-sources user --strict-mcp-config');
    expect(env).toMatchObject({ ANTHROPIC_BASE_URL: 'http://m/anthropic', DISABLE_AUTOUPDATER: '1', IS_SANDBOX: '1' });
    expect(JSON.stringify(PROFILES.claude.sessionMeta)).toContain('"settingSources":["user"]');
  });

  test('is read', () => {
    expect(
      read(
        'claude',
        '{"type":"system","subtype":"init","cwd":"/workspace","session_id":"405e1fae","tools":["Bash"],"permissionMode":"bypassPermissions"}',
        '{"type":"assistant","message":{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"tool_use","id":"call_1","name":"Bash","input":{"command":"npm test","description":"fix"}}],"usage":{"input_tokens":1000,"output_tokens":50}},"session_id":"405e1fae"}',
        '{"type":"user","message":{"role":"user","content":[{"tool_use_id":"call_1","type":"tool_result","content":"ok","is_error":false}]}}',
        '{"type":"assistant","message":{"id":"msg_2","role":"assistant","content":[{"type":"text","text":"Fixed."}]}}',
        '{"duration_api_ms":53,"stop_reason":"end_turn","total_cost_usd":0.0102,"usage":{"input_tokens":2200,"cache_creation_input_tokens":1,"cache_read_input_tokens":2,"output_tokens":70},"permission_denials":[],"is_error":false,"subtype":"success","api_error_status":null,"result":"Fixed.","type":"result"}',
      ),
    ).toEqual([
      { type: 'session', id: '405e1fae' },
      { type: 'tool', call: 'call_1', name: 'Bash', input: { command: 'npm test', description: 'fix' }, title: 'npm test' },
      { type: 'tool-end', call: 'call_1', ok: true },
      { type: 'text', text: 'Fixed.', message: 'msg_2' },
      { type: 'usage', inputTokens: 2203, outputTokens: 70 },
      { type: 'end', ok: true, cut: false },
    ]);
  });

  test('says by its result what went wrong, and its word for a failed request is no message', () => {
    expect(
      read(
        'claude',
        '{"type":"system","subtype":"api_retry","attempt":1,"max_retries":1,"retry_delay_ms":587,"error_status":null,"error":"unknown"}',
        '{"type":"assistant","message":{"id":"d6285b9a","model":"<synthetic>","content":[{"type":"text","text":"API Error: 400 bad thing"}]},"is_api_error_message":true}',
        '{"type":"result","subtype":"success","is_error":true,"api_error_status":400,"result":"API Error: 400 bad thing","terminal_reason":"api_error","usage":{"input_tokens":0,"output_tokens":0},"permission_denials":[{"tool_name":"Write","tool_use_id":"x","tool_input":{"file_path":"/etc/x"}}]}',
      ),
    ).toEqual([
      { type: 'trouble', text: 'The model gave no answer; trying again.' },
      { type: 'usage', inputTokens: 0, outputTokens: 0 },
      { type: 'denied', what: 'Write {"file_path":"/etc/x"}' },
      { type: 'end', ok: false, says: 'API Error: 400 bad thing', status: 400 },
    ]);
    expect(read('claude', '{"type":"result","subtype":"error_max_turns","is_error":true}').at(-1)).toEqual({
      ...{ type: 'end', ok: false, says: 'error_max_turns' },
    });
  });
});

describe('opencode', () => {
  const configOf = (env: Readonly<Record<string, string>>) => JSON.parse(env['OPENCODE_CONFIG_CONTENT'] ?? '');

  test('speaks to each provider as it is spoken to', () => {
    const providerOf = (provider: string) => configOf(setupOf('opencode', 'cli', { model: { provider, name: 'm' } }).env).provider.baton;
    expect(providerOf('openai')).toMatchObject({ npm: '@ai-sdk/openai-compatible', options: { baseURL: 'http://m/openai/v1' } });
    expect(providerOf('anthropic')).toMatchObject({ npm: '@ai-sdk/anthropic', options: { baseURL: 'http://m/anthropic/v1' } });
    expect(providerOf('google')).toMatchObject({ npm: '@ai-sdk/google', options: { baseURL: 'http://m/gemini/v1beta' } });
  });

  test('asks for leave over ACP, where it is answered, and nowhere makes up titles', () => {
    expect(configOf(setupOf('opencode', 'acp').env)).toMatchObject({
      permission: { bash: 'ask', webfetch: 'deny' },
      agent: { title: { disable: true } },
    });
    expect(configOf(setupOf('opencode', 'cli').env)).toMatchObject({ permission: { bash: 'allow', edit: 'allow' } });
    expect(setupOf('opencode', 'cli').args).toContain('--title');
  });

  test('is read', () => {
    expect(
      read(
        'opencode',
        '{"type":"step_start","timestamp":1,"sessionID":"ses_1","part":{"id":"prt_1","type":"step-start"}}',
        '{"type":"tool_use","timestamp":2,"sessionID":"ses_1","part":{"type":"tool","tool":"bash","callID":"call_1","state":{"status":"completed","input":{"command":"npm test"},"output":"ok","title":"npm test"}}}',
        '{"type":"step_finish","timestamp":3,"sessionID":"ses_1","part":{"reason":"tool-calls","type":"step-finish","tokens":{"total":1050,"input":1000,"output":50,"reasoning":0,"cache":{"write":0,"read":7}},"cost":0}}',
        '{"type":"text","timestamp":4,"sessionID":"ses_1","part":{"id":"prt_4","type":"text","text":"Fixed."}}',
        '{"type":"step_finish","timestamp":5,"sessionID":"ses_1","part":{"reason":"stop","type":"step-finish","tokens":{"input":1200,"output":20,"cache":{"write":0,"read":0}},"cost":0}}',
      ),
    ).toEqual([
      { type: 'session', id: 'ses_1' },
      { type: 'tool', call: 'call_1', name: 'bash', input: { command: 'npm test' }, title: 'npm test' },
      { type: 'tool-end', call: 'call_1', ok: true },
      { type: 'usage', inputTokens: 1007, outputTokens: 50 },
      { type: 'text', text: 'Fixed.', message: 'prt_4' },
      { type: 'usage', inputTokens: 1200, outputTokens: 20 },
      { type: 'end', ok: true, cut: false },
    ]);
    expect(
      read(
        'opencode',
        '{"type":"error","sessionID":"ses_1","error":{"name":"APIError","data":{"message":"bad thing","statusCode":400,"isRetryable":false}}}',
      ),
    ).toEqual([{ type: 'end', ok: false, says: 'bad thing', status: 400 }]);
  });
});

describe('gemini', () => {
  test('is told how it signs in by a file in its home', () => {
    const { files, env } = setupOf('gemini', 'acp');
    expect(JSON.parse(files?.['.gemini/settings.json'] ?? '')).toMatchObject({ security: { auth: { selectedType: 'gemini-api-key' } } });
    expect(env).toMatchObject({ GOOGLE_GEMINI_BASE_URL: 'http://m/gemini', GEMINI_API_KEY: 'token-1' });
    expect(setupOf('gemini', 'cli', { mode: 'plan' }).args.join(' ')).toContain('--approval-mode plan');
  });

  test('is read', () => {
    expect(
      read(
        'gemini',
        '{"type":"init","timestamp":"t","session_id":"6ddd8141","model":"gemini-2.5-flash"}',
        '{"type":"message","timestamp":"t","role":"user","content":"fix it"}',
        '{"type":"tool_use","timestamp":"t","tool_name":"run_shell_command","tool_id":"call_1","parameters":{"command":"npm test"}}',
        '{"type":"tool_result","timestamp":"t","tool_id":"call_1","status":"success","output":"ok"}',
        '{"type":"message","timestamp":"t","role":"assistant","content":"Fix","delta":true}',
        '{"type":"message","timestamp":"t","role":"assistant","content":"ed.","delta":true}',
        '{"type":"result","timestamp":"t","status":"success","stats":{"total_tokens":2270,"input_tokens":2200,"output_tokens":70,"cached":0}}',
      ),
    ).toEqual([
      { type: 'session', id: '6ddd8141' },
      { type: 'tool', call: 'call_1', name: 'run_shell_command', input: { command: 'npm test' }, title: 'npm test' },
      { type: 'tool-end', call: 'call_1', ok: true },
      { type: 'text', text: 'Fix', message: 'said' },
      { type: 'text', text: 'ed.', message: 'said' },
      { type: 'usage', inputTokens: 2200, outputTokens: 70 },
      { type: 'end', ok: true },
    ]);
    expect(
      read('gemini', '{"type":"result","status":"error","error":{"type":"unknown","message":"[API Error: 400]"},"stats":{}}').at(-1),
    ).toEqual({ type: 'end', ok: false, says: '[API Error: 400]' });
  });
});

test('what an agent will ask models for is told from its configuration', () => {
  expect(modelNeeds({ acp: 'claude', model: undefined })).toEqual({ wire: 'anthropic', provider: 'anthropic' });
  expect(modelNeeds({ acp: 'codex', model: 'gpt-5' })).toEqual({ wire: 'openai', provider: 'openai', model: 'gpt-5' });
  expect(modelNeeds({ acp: 'codex', model: 'local/qwen/coder' })).toEqual({ wire: 'openai', provider: 'local', model: 'qwen/coder' });
  expect(modelNeeds({ acp: 'opencode', model: 'anthropic/claude-x' })).toEqual({
    wire: 'anthropic',
    provider: 'anthropic',
    model: 'claude-x',
  });
});

test('opencode has to be told its model', () => {
  expect(codingConfigSchema.safeParse({ acp: 'opencode' }).success).toBe(false);
  expect(codingConfigSchema.safeParse({ acp: 'opencode', model: 'openai/gpt-5' }).success).toBe(true);
});
