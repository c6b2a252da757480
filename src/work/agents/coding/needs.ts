/** What a coding agent will ask models for, told from its configuration, so that the meter knows where to go. */
import { splitModel } from '../providers.ts';
import type { CodingConfig } from './config.ts';
import type { Profile, Setting } from './profile.ts';
import { PROFILES } from './profiles.ts';

export interface ModelNeeds {
  /** The format it speaks. */
  readonly wire: Profile['wire'];
  /** Whose models: a name as in `provider/model`. */
  readonly provider: string;
  /** Missing when the agent chooses. */
  readonly model?: string;
}

export const modelNeeds = (config: Pick<CodingConfig, 'acp' | 'model'>): ModelNeeds => {
  const { wire, provider } = PROFILES[config.acp];
  const model = modelOf(config);
  if (model === undefined) return { wire, provider };
  const own = config.acp === 'opencode' ? (OWN_WIRES[model.provider] ?? wire) : wire;
  return { wire: own, provider: model.provider, model: model.name };
};

/** opencode speaks to each provider as that provider is spoken to. */
const OWN_WIRES: Readonly<Record<string, Profile['wire']>> = { anthropic: 'anthropic', google: 'gemini' };

/** A plain name is one of the agent's own provider. */
export const modelOf = ({ acp, model }: Pick<CodingConfig, 'acp' | 'model'>): Setting['model'] | undefined => {
  if (model === undefined) return undefined;
  if (!model.includes('/')) return { provider: PROFILES[acp].provider, name: model };
  const { provider, modelId } = splitModel(model);
  return { provider, name: modelId };
};
