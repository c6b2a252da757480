import type { z } from 'zod';
import { BatonError } from '../../errors.ts';
import type { AgentConfig } from './agent.ts';

/** An agent's configuration as its adapter reads it. @throws BatonError `AGENT_CONFIG` listing everything that is wrong. */
export const readConfig = <T>(schema: z.ZodType<T>, { name, config }: Pick<AgentConfig, 'name' | 'config'>): T => {
  const parsed = schema.safeParse(config);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  throw new BatonError('AGENT_CONFIG', `The agent "${name}" can't be used: ${problems.join('; ')}.`, {
    where: name,
    details: { problems },
  });
};
