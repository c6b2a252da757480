/**
 * opencode. Its whole configuration is one variable, which nothing in a repository can override; it speaks to any
 * provider in that provider's own format. It counts each step by itself, and in a prompt over ACP only the last one.
 */
import type { Activity } from './activity.ts';
import { type JsonObject, numberIn, objectIn, type Profile, type Setting, textIn } from './profile.ts';

export const opencode: Profile = {
  name: 'opencode',
  programs: {
    acp: { program: 'opencode', package: 'opencode-ai' },
    cli: { program: 'opencode', package: 'opencode-ai' },
  },
  wire: 'openai',
  provider: 'openai',
  mode: 'build',

  setup(setting) {
    const { via, home, session, mode } = setting;
    const env = {
      XDG_CONFIG_HOME: `${home}/config`,
      XDG_DATA_HOME: `${home}/data`,
      XDG_CACHE_HOME: `${home}/cache`,
      XDG_STATE_HOME: `${home}/state`,
      OPENCODE_CONFIG_CONTENT: JSON.stringify(settings(setting)),
      OPENCODE_DISABLE_PROJECT_CONFIG: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
      OPENCODE_DISABLE_SHARE: '1',
    };
    if (via === 'acp') return { args: ['acp', '--pure'], env };
    // A title of our own saves the request that would make one up.
    const args = ['run', '--pure', '--format', 'json', '--title', 'baton', '--agent', mode ?? opencode.mode];
    return { args: [...args, ...(session === undefined ? [] : ['--session', session])], env };
  },

  read(line) {
    const part = objectIn(line['part']);
    const session: Activity[] = line['type'] === 'step_start' ? [{ type: 'session', id: textIn(line['sessionID']) }] : [];
    switch (line['type']) {
      case 'text':
        return [{ type: 'text', text: textIn(part['text']), message: textIn(part['id']) }];
      case 'reasoning':
        return [{ type: 'thought' }];
      case 'tool_use':
        return tool(part);
      case 'step_finish': {
        const { input, output, cache } = objectIn(part['tokens']);
        const inputTokens = numberIn(input) + numberIn(objectIn(cache)['read']) + numberIn(objectIn(cache)['write']);
        const usage: Activity = { type: 'usage', inputTokens, outputTokens: numberIn(output) };
        return part['reason'] === 'tool-calls' ? [usage] : [usage, { type: 'end', ok: true, cut: part['reason'] === 'length' }];
      }
      case 'error': {
        const { name, data } = objectIn(line['error']);
        const { message, statusCode } = objectIn(data);
        const status = numberIn(statusCode);
        return [{ type: 'end', ok: false, says: textIn(message) || textIn(name), ...(status === 0 ? {} : { status }) }];
      }
      default:
        return session;
    }
  },
};

const tool = (part: JsonObject): readonly Activity[] => {
  const { input, title, status } = objectIn(part['state']);
  const call = textIn(part['callID']);
  return [
    { type: 'tool', call, name: textIn(part['tool']), input, title: textIn(title) },
    { type: 'tool-end', call, ok: status === 'completed' },
  ];
};

/** Tokens of a model nobody told it about: what most have. */
const LIMIT = { context: 200_000, output: 32_000 };
const PACKAGES: Readonly<Record<string, readonly [string, (models: Setting['models']) => string]>> = {
  anthropic: ['@ai-sdk/anthropic', ({ anthropic }) => `${anthropic}/v1`],
  google: ['@ai-sdk/google', ({ gemini }) => `${gemini}/v1beta`],
};
const COMPATIBLE = ['@ai-sdk/openai-compatible', ({ openai }: Setting['models']) => openai] as const;
/** Configuration insists on one: opencode has no choice of its own, since it can't ask which models there are. */
const MODEL = { provider: 'openai', name: 'unnamed' };

const settings = ({ via, models, model = MODEL }: Setting): JsonObject => {
  const [npm, baseURL] = PACKAGES[model.provider] ?? COMPATIBLE;
  const named = `baton/${model.name}`;
  // Over ACP everything is asked for, and answered by our policy.
  const rule = via === 'acp' ? 'ask' : 'allow';
  return {
    autoupdate: false,
    share: 'disabled',
    snapshot: false,
    enabled_providers: ['baton'],
    model: named,
    small_model: named,
    permission: { edit: rule, bash: rule, webfetch: 'deny', websearch: 'deny', external_directory: rule },
    agent: { title: { disable: true } },
    provider: {
      baton: {
        npm,
        name: 'Baton',
        options: { baseURL: baseURL(models), apiKey: models.token },
        models: { [model.name]: { name: model.name, tool_call: true, limit: LIMIT } },
      },
    },
  };
};
