/**
 * Gemini CLI. It takes a base URL from its environment, but how it signs in only from a settings file in its home. It
 * exits with 0 when it was interrupted, so its `result` is all that counts.
 */
import type { Activity } from './activity.ts';
import { type JsonObject, numberIn, objectIn, type Profile, textIn } from './profile.ts';

export const gemini: Profile = {
  name: 'gemini',
  programs: {
    acp: { program: 'gemini', package: '@google/gemini-cli' },
    cli: { program: 'gemini', package: '@google/gemini-cli' },
  },
  wire: 'gemini',
  provider: 'google',
  mode: 'default',

  setup({ via, session, models, model, mode = 'yolo' }) {
    const setup = {
      env: {
        GEMINI_API_KEY: models.token,
        GOOGLE_GEMINI_BASE_URL: models.gemini,
        GEMINI_CLI_TRUST_WORKSPACE: 'true',
        GEMINI_CLI_NO_RELAUNCH: 'true',
      },
      files: { '.gemini/settings.json': JSON.stringify(SETTINGS) },
    };
    const chosen = model === undefined ? [] : ['--model', model.name];
    if (via === 'acp') return { ...setup, args: ['--acp', ...chosen] };
    const args = ['--output-format', 'stream-json', '--approval-mode', mode, '--skip-trust', ...chosen];
    return { ...setup, args: [...args, ...(session === undefined ? [] : ['--resume', session])] };
  },

  read(line) {
    switch (line['type']) {
      case 'init':
        return [{ type: 'session', id: textIn(line['session_id']) }];
      case 'message':
        return line['role'] === 'assistant' ? [{ type: 'text', text: textIn(line['content']), message: 'said' }] : [];
      case 'tool_use':
        return [tool(line)];
      case 'tool_result':
        return [{ type: 'tool-end', call: textIn(line['tool_id']), ok: line['status'] === 'success' }];
      case 'error':
        return [{ type: 'trouble', text: textIn(line['message']) }];
      case 'result':
        return result(line);
      default:
        return [];
    }
  },
};

const SETTINGS = {
  security: { auth: { selectedType: 'gemini-api-key' } },
  general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
  privacy: { usageStatisticsEnabled: false },
  telemetry: { enabled: false },
  tools: { exclude: ['web_fetch', 'google_web_search'] },
};

const tool = (line: JsonObject): Activity => {
  const input = objectIn(line['parameters']);
  const title = textIn(input['command']) || textIn(input['file_path']) || textIn(input['path']);
  return { type: 'tool', call: textIn(line['tool_id']), name: textIn(line['tool_name']), input, title };
};

const result = (line: JsonObject): readonly Activity[] => {
  const { input_tokens, output_tokens } = objectIn(line['stats']);
  const usage: Activity = { type: 'usage', inputTokens: numberIn(input_tokens), outputTokens: numberIn(output_tokens) };
  if (line['status'] === 'success') return [usage, { type: 'end', ok: true }];
  return [usage, { type: 'end', ok: false, says: textIn(objectIn(line['error'])['message']) }];
};
