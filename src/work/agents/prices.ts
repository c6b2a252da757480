/** What a request costs by the public price lists. Priced request by request: tiers apply to one request, not to sums. */
import { defined } from '../../defined.ts';

export interface Tokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Parts of `inputTokens` that have prices of their own. */
  readonly cacheReadTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
}

/** US dollars per million tokens, for models that no list has. */
export interface OwnPrice {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
}

/** US dollars; undefined when no price is known, which is not the same as free. `provider` is a name the price list has. */
export const costOf = async (tokens: Tokens, model: string, provider: string | undefined, own?: OwnPrice): Promise<number | undefined> => {
  if (own !== undefined) return (tokens.inputTokens * own.inputPerMillion + tokens.outputTokens * own.outputPerMillion) / 1e6;
  if (provider === undefined) return undefined;
  const { calcPrice } = await import('@pydantic/genai-prices');
  const usage = defined({
    input_tokens: tokens.inputTokens,
    output_tokens: tokens.outputTokens,
    cache_read_tokens: tokens.cacheReadTokens,
    cache_write_tokens: tokens.cacheWriteTokens,
  });
  return calcPrice(usage, model, { providerId: provider })?.total_price;
};

/** Names of a provider's models, to guess what somebody meant. */
export const modelsOf = async (provider: string | undefined): Promise<readonly string[]> => {
  if (provider === undefined) return [];
  const { findProvider } = await import('@pydantic/genai-prices');
  return findProvider({ providerId: provider })?.models.map(({ id }) => id) ?? [];
};
