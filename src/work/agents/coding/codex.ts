/**
 * Codex. Its settings are arguments (or one variable, over ACP), so nothing it finds in its home counts. Its own sandbox
 * is off: it has no room for one inside ours. Its `turn.completed` counts tokens since the conversation began.
 */
import type { Activity } from './activity.ts';
import { type JsonObject, listIn, numberIn, objectIn, type Profile, type Setting, textIn } from './profile.ts';

const KEY = 'BATON_MODEL_TOKEN';

export const codex: Profile = {
  name: 'codex',
  programs: {
    acp: { program: 'codex-acp', package: '@agentclientprotocol/codex-acp' },
    cli: { program: 'codex', package: '@openai/codex' },
  },
  wire: 'openai',
  provider: 'openai',
  mode: 'agent-full-access',
  hidesFailures: 'acp',

  setup(setting) {
    const { via, home, session, models, mode } = setting;
    const env = { CODEX_HOME: home, [KEY]: models.token };
    if (via === 'acp') {
      const acp = { CODEX_CONFIG: JSON.stringify(settings(setting)), MODEL_PROVIDER: 'baton', NO_BROWSER: '1' };
      return { args: [], env: { ...env, ...acp, INITIAL_AGENT_MODE: mode ?? codex.mode } };
    }
    const overrides = leaves(settings(setting)).flatMap(([key, value]) => ['-c', `${key}=${JSON.stringify(value)}`]);
    const args = ['exec', '--json', '--skip-git-repo-check', ...overrides, ...(mode === undefined ? [] : ['--sandbox', mode])];
    return { args: [...args, ...(session === undefined ? ['-'] : ['resume', session, '-'])], env };
  },

  read(line) {
    const item = objectIn(line['item']);
    switch (line['type']) {
      case 'thread.started':
        return [{ type: 'session', id: textIn(line['thread_id']) }];
      case 'item.started':
        return begun(item);
      case 'item.completed':
        return completed(item);
      case 'error':
        return [{ type: 'trouble', text: textIn(line['message']) }];
      case 'turn.completed': {
        const usage = objectIn(line['usage']);
        const tokens = { inputTokens: numberIn(usage['input_tokens']), outputTokens: numberIn(usage['output_tokens']) };
        return [
          { type: 'usage', ...tokens, whole: true },
          { type: 'end', ok: true },
        ];
      }
      case 'turn.failed':
        return [{ type: 'end', ok: false, says: textIn(objectIn(line['error'])['message']) }];
      default:
        return [];
    }
  },
};

const settings = ({ model, models }: Setting): JsonObject => ({
  ...(model === undefined ? {} : { model: model.name }),
  model_provider: 'baton',
  model_providers: {
    baton: {
      name: 'Baton',
      base_url: models.openai,
      env_key: KEY,
      wire_api: 'responses',
      request_max_retries: 1,
      stream_max_retries: 1,
    },
  },
  approval_policy: 'never',
  sandbox_mode: 'danger-full-access',
  check_for_update_on_startup: false,
  analytics: { enabled: false },
  feedback: { enabled: false },
  web_search: 'disabled',
});

/** Each value with its dotted key. */
const leaves = (settings: JsonObject, before = ''): [string, unknown][] =>
  Object.entries(settings).flatMap(([key, value]): [string, unknown][] =>
    typeof value === 'object' && value !== null ? leaves(objectIn(value), `${before}${key}.`) : [[`${before}${key}`, value]],
  );

const begun = (item: JsonObject): readonly Activity[] => {
  const call = textIn(item['id']);
  switch (item['type']) {
    case 'command_execution':
      return [{ type: 'tool', call, name: 'command', input: item['command'], title: textIn(item['command']) }];
    case 'file_change':
      return [{ type: 'tool', call, name: 'file_change', input: item['changes'], title: pathsOf(item) }];
    case 'mcp_tool_call':
      return [{ type: 'tool', call, name: `${textIn(item['server'])}.${textIn(item['tool'])}`, input: item['arguments'] }];
    default:
      return [];
  }
};

const completed = (item: JsonObject): readonly Activity[] => {
  switch (item['type']) {
    case 'agent_message':
      return [{ type: 'text', text: textIn(item['text']), message: textIn(item['id']) }];
    case 'reasoning':
    case 'todo_list':
      return [{ type: 'thought' }];
    case 'error':
      return [{ type: 'trouble', text: textIn(item['message']) }];
    default:
      return [{ type: 'tool-end', call: textIn(item['id']), ok: item['status'] === 'completed' }];
  }
};

const pathsOf = (item: JsonObject): string =>
  listIn(item['changes'])
    .map(({ path }) => textIn(path))
    .join(', ');
