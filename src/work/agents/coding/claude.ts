/**
 * Claude Code. Everything is in its environment; what a repository says about settings and servers is left out, for a
 * repository is not to be trusted with that. Its `result` counts the tokens of this run alone.
 */
import type { Activity } from './activity.ts';
import { type JsonObject, listIn, numberIn, objectIn, type Profile, textIn } from './profile.ts';

export const claude: Profile = {
  name: 'claude',
  programs: {
    acp: { program: 'claude-agent-acp', package: '@agentclientprotocol/claude-agent-acp' },
    cli: { program: 'claude', package: '@anthropic-ai/claude-code' },
  },
  wire: 'anthropic',
  provider: 'anthropic',
  mode: 'default',
  sessionMeta: { claudeCode: { options: { settingSources: ['user'], disallowedTools: ['WebFetch', 'WebSearch'] } } },

  setup({ via, home, session, models, model, mode = 'bypassPermissions' }) {
    const env = {
      CLAUDE_CONFIG_DIR: `${home}/.claude`,
      ANTHROPIC_BASE_URL: models.anthropic,
      ANTHROPIC_API_KEY: models.token,
      ...(model === undefined ? {} : { ANTHROPIC_MODEL: model.name }),
      CLAUDE_CODE_MAX_RETRIES: '2',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_DISABLE_TERMINAL_TITLE: '1',
      CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
      CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
      CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: 'false',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
      IS_SANDBOX: '1',
    };
    if (via === 'acp') return { args: [], env };
    const args = ['-p', '--output-format', 'stream-json', '--verbose', '--permission-mode', mode];
    const apart = ['--setting-sources', 'user', '--strict-mcp-config', '--disallowedTools', 'WebFetch,WebSearch'];
    return { args: [...args, ...apart, ...(session === undefined ? [] : ['--resume', session])], env };
  },

  read(line) {
    switch (line['type']) {
      case 'system':
        return system(line);
      case 'assistant':
        // What it says of a failed request is no word of a model.
        return line['is_api_error_message'] === true ? [] : assistant(objectIn(line['message']));
      case 'user':
        return results(objectIn(line['message']));
      case 'result':
        return result(line);
      default:
        return [];
    }
  },
};

const system = (line: JsonObject): readonly Activity[] => {
  if (line['subtype'] === 'init') return [{ type: 'session', id: textIn(line['session_id']) }];
  if (line['subtype'] !== 'api_retry') return [];
  const status = line['error_status'] === null ? 'no answer' : `status ${String(line['error_status'])}`;
  return [{ type: 'trouble', text: `The model gave ${status}; trying again.` }];
};

const assistant = (message: JsonObject): readonly Activity[] =>
  listIn(message['content']).map((block): Activity => {
    if (block['type'] === 'text') return { type: 'text', text: textIn(block['text']), message: textIn(message['id']) };
    if (block['type'] !== 'tool_use') return { type: 'thought' };
    const input = objectIn(block['input']);
    const title = textIn(input['command']) || textIn(input['file_path']) || textIn(input['pattern']);
    return { type: 'tool', call: textIn(block['id']), name: textIn(block['name']), input, title };
  });

const results = (message: JsonObject): readonly Activity[] =>
  listIn(message['content']).flatMap((block): Activity[] =>
    block['type'] === 'tool_result' ? [{ type: 'tool-end', call: textIn(block['tool_use_id']), ok: block['is_error'] !== true }] : [],
  );

const result = (line: JsonObject): readonly Activity[] => {
  const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens } = objectIn(line['usage']);
  const inputTokens = numberIn(input_tokens) + numberIn(cache_read_input_tokens) + numberIn(cache_creation_input_tokens);
  const denied = listIn(line['permission_denials']).map(
    (denial): Activity => ({ type: 'denied', what: `${textIn(denial['tool_name'])} ${JSON.stringify(denial['tool_input'] ?? '')}` }),
  );
  const status = numberIn(line['api_error_status']);
  const failed = { type: 'end', ok: false, says: textIn(line['result']) || textIn(line['subtype']) } as const;
  const end: Activity =
    line['subtype'] === 'success' && line['is_error'] !== true
      ? { type: 'end', ok: true, cut: line['stop_reason'] === 'max_tokens' }
      : { ...failed, ...(status === 0 ? {} : { status }) };
  return [{ type: 'usage', inputTokens, outputTokens: numberIn(output_tokens) }, ...denied, end];
};
