/**
 * The one place that knows what `provider/model` means, where its key comes from, and which SDK package speaks to it.
 * Packages are loaded when a model of theirs is first used.
 */
import type { LanguageModel } from 'ai';
import { defined } from '../../defined.ts';
import { BatonError } from '../../errors.ts';
import type { Secrets } from '../policy/secrets.ts';
import { AttemptError } from '../processes/failure.ts';
import { OUTPUT_MAX } from '../processes/output-pipe.ts';
import { cappedFetch } from './capped-fetch.ts';
import { suggestion } from './suggestion.ts';

export interface ModelSetting {
  /** `provider/model`. */
  readonly model: string;
  /** With a provider of no known name: any OpenAI-compatible URL. With a known one: where it is to be reached. */
  readonly baseUrl?: string | undefined;
  /** Environment variable (or secret) with the key. */
  readonly apiKeyEnv?: string | undefined;
}

/** An OpenAI-compatible provider with a name of its own. */
export interface ProviderSetting {
  readonly baseUrl: string;
  readonly apiKeyEnv?: string | undefined;
}

export interface OpenedModel {
  readonly model: LanguageModel;
  /** `provider/model`, for messages. */
  readonly name: string;
  readonly modelId: string;
  /** Name of the provider in price lists. */
  readonly priceList: string;
  /** Where its key comes from, for hints. */
  readonly keyName: string | undefined;
  /** What the SDK has to be told besides: schemas of people rarely fit the strict subset some providers insist on. */
  readonly providerOptions: (own: Readonly<Record<string, unknown>>) => Record<string, Record<string, never>>;
}

export interface Providers {
  /** @throws BatonError `BAD_MODEL` or `UNKNOWN_PROVIDER`. */
  check(setting: ModelSetting): void;
  /** @throws BatonError as `check`, and AttemptError `KEY_MISSING`. */
  open(setting: ModelSetting): Promise<OpenedModel>;
  names(): readonly string[];
  /** Where a provider of a known name answers, and the key it is to be asked with; nothing without a key, unless it answers elsewhere. */
  reach(provider: string): Promise<{ readonly baseUrl: string; readonly apiKey?: string } | undefined>;
}

export interface ProviderOptions {
  readonly secrets: Pick<Secrets, 'find'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly custom?: Readonly<Record<string, ProviderSetting>>;
  /** Most bytes of one reply. Default 32 MiB. */
  readonly replyMax?: number;
}

/** How to reach a model, once everything is known. */
interface Connection {
  readonly provider: string;
  readonly modelId: string;
  readonly apiKey: string | undefined;
  readonly baseURL: string | undefined;
  readonly fetch: typeof fetch;
}
type Protocol = (connection: Connection) => Promise<LanguageModel>;

interface Hosted {
  /** With its version. */
  readonly baseUrl: string;
  /** The first that is set has the key. */
  readonly keys: readonly [string, ...string[]];
  readonly baseUrlEnv: string;
  readonly protocol: Protocol;
}

const OPENAI_HOST = 'api.openai.com';

const HOSTED: Readonly<Record<string, Hosted>> = {
  openai: {
    baseUrl: 'https://api.openai.com/v1',
    keys: ['OPENAI_API_KEY'],
    baseUrlEnv: 'OPENAI_BASE_URL',
    protocol: async ({ modelId, provider: _, ...rest }) => (await import('@ai-sdk/openai')).createOpenAI(defined(rest))(modelId),
  },
  anthropic: {
    baseUrl: 'https://api.anthropic.com/v1',
    keys: ['ANTHROPIC_API_KEY'],
    baseUrlEnv: 'ANTHROPIC_BASE_URL',
    protocol: async ({ modelId, provider: _, ...rest }) => (await import('@ai-sdk/anthropic')).createAnthropic(defined(rest))(modelId),
  },
  google: {
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    keys: ['GOOGLE_GENERATIVE_AI_API_KEY', 'GEMINI_API_KEY'],
    baseUrlEnv: 'GOOGLE_GENERATIVE_AI_BASE_URL',
    protocol: async ({ modelId, provider: _, ...rest }) =>
      (await import('@ai-sdk/google')).createGoogleGenerativeAI(defined(rest))(modelId),
  },
};

const compatible: Protocol = async ({ provider, modelId, baseURL = '', ...rest }) => {
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
  return createOpenAICompatible({ name: provider, baseURL, includeUsage: true, supportsStructuredOutputs: true, ...defined(rest) })(
    modelId,
  );
};

export const createProviders = ({ secrets, env, custom = {}, replyMax = OUTPUT_MAX }: ProviderOptions): Providers => {
  const limitedFetch = cappedFetch(replyMax);
  const names = (): readonly string[] => [...Object.keys(HOSTED), ...Object.keys(custom)];

  const find = (setting: ModelSetting) => {
    const { provider, modelId } = splitModel(setting.model);
    const own = Object.hasOwn(custom, provider) ? custom[provider] : undefined;
    const hosted = own === undefined && Object.hasOwn(HOSTED, provider) ? HOSTED[provider] : undefined;
    const baseURL = setting.baseUrl ?? own?.baseUrl ?? (hosted === undefined ? undefined : env[hosted.baseUrlEnv]);
    if (hosted === undefined && baseURL === undefined) {
      throw new BatonError('UNKNOWN_PROVIDER', `"${setting.model}" names the provider "${provider}", which Baton doesn't know.`, {
        hint: `${suggestion(provider, names())} Known are ${names().join(', ')}; any other needs a baseUrl.`.trim(),
        where: setting.model,
      });
    }
    const apiKeyEnv = setting.apiKeyEnv ?? own?.apiKeyEnv;
    const keys = apiKeyEnv === undefined ? (hosted?.keys ?? []) : [apiKeyEnv];
    // Whoever answers elsewhere for OpenAI speaks its older protocol, and often asks for no key.
    const elsewhere = provider === 'openai' && baseURL !== undefined && URL.parse(baseURL)?.host !== OPENAI_HOST;
    return {
      provider,
      modelId,
      baseURL,
      keys,
      keyNeeded: apiKeyEnv !== undefined || !elsewhere,
      protocol: elsewhere ? compatible : (hosted?.protocol ?? compatible),
    };
  };

  return {
    names,
    check: (setting) => void find(setting),
    async reach(provider) {
      const own = Object.hasOwn(custom, provider) ? custom[provider] : undefined;
      const hosted = Object.hasOwn(HOSTED, provider) ? HOSTED[provider] : undefined;
      const elsewhere = own?.baseUrl ?? (hosted && env[hosted.baseUrlEnv]);
      const baseUrl = elsewhere ?? hosted?.baseUrl;
      const key = await firstKey(own?.apiKeyEnv === undefined ? (hosted?.keys ?? []) : [own.apiKeyEnv], secrets);
      if (baseUrl === undefined || (key === undefined && elsewhere === undefined)) return undefined;
      return { baseUrl, ...(key ? { apiKey: key.value } : {}) };
    },
    async open(setting) {
      const { provider, modelId, baseURL, keys, keyNeeded, protocol } = find(setting);
      const key = await firstKey(keys, secrets);
      if (key === undefined && keyNeeded && keys[0] !== undefined) throw keyMissing(setting.model, keys[0]);
      const model = await protocol({ provider, modelId, baseURL, apiKey: key?.value, fetch: limitedFetch });
      const optionsName = protocol === compatible ? 'openaiCompatible' : provider;
      const strictness = optionsName === 'openaiCompatible' || optionsName === 'openai' ? { strictJsonSchema: false } : {};
      return {
        model,
        name: setting.model,
        modelId,
        priceList: provider,
        keyName: key?.name ?? keys[0],
        providerOptions: (own) => ({ [optionsName]: { ...strictness, ...own } as Record<string, never> }),
      };
    },
  };
};

/** The only place where `provider/model` is taken apart. @throws BatonError `BAD_MODEL`. */
export const splitModel = (model: string): { readonly provider: string; readonly modelId: string } => {
  const slash = model.indexOf('/');
  if (slash > 0 && slash < model.length - 1) return { provider: model.slice(0, slash), modelId: model.slice(slash + 1) };
  throw new BatonError('BAD_MODEL', `"${model}" is not of the form provider/model.`, {
    hint: 'Write it like openai/gpt-5-mini.',
    where: model,
  });
};

const firstKey = async (
  names: readonly string[],
  secrets: Pick<Secrets, 'find'>,
): Promise<{ readonly name: string; readonly value: string } | undefined> => {
  for (const name of names) {
    const value = await secrets.find(name);
    if (value !== undefined) return { name, value };
  }
  return undefined;
};

const keyMissing = (model: string, name: string): AttemptError =>
  new AttemptError('permanent', 'KEY_MISSING', `${model} needs a key, and ${name} is not set.`, {
    hint: `Set ${name} in the environment Baton is started from.`,
    dispatched: false,
  });
