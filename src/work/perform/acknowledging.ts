/**
 * Whether an agent has taken what it was told of the work before. Not when it is told, but with the first thing it says,
 * does or hands over: an agent that dies on the way is told again.
 */
import type { AttemptContext } from '../../engine/host/host.ts';
import type { AgentServices } from '../agents/agent.ts';

export interface Acknowledging {
  readonly services: AgentServices;
  /** It has shown it. Resolves when that is on record; never throws. */
  took(): Promise<void>;
}

export function acknowledging(
  services: AgentServices,
  context: Pick<AttemptContext, 'feedback' | 'acknowledged' | 'acknowledge'>,
): Acknowledging {
  let told: Promise<void> | undefined = context.feedback.length > context.acknowledged ? undefined : Promise.resolve();
  const took = (): Promise<void> => {
    // An attempt that is over meanwhile leaves it to the next one.
    told ??= context.acknowledge().catch(() => {});
    return told;
  };
  return {
    took,
    services: {
      ...services,
      log(chunk, kind = 'text') {
        if (kind === 'text') void took();
        services.log(chunk, kind);
      },
      ran() {
        void took();
        services.ran();
      },
    },
  };
}
