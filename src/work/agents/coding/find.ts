/** Which coding agents this machine has, for whoever wants to know what works here. */
import { CODING_AGENTS, type CodingAgentName, WAYS, type Way } from './config.ts';
import { findInstalled, type Surroundings } from './installed.ts';
import { PROFILES } from './profiles.ts';

export interface FoundAgent {
  readonly name: CodingAgentName;
  readonly via: Way;
  /** Missing when it doesn't say. */
  readonly version?: string;
}

export const findCodingAgents = async (surroundings: Surroundings): Promise<readonly FoundAgent[]> => {
  const wanted = CODING_AGENTS.flatMap((name) => WAYS.map((via) => ({ name, via })));
  const found = await Promise.all(
    wanted.map(async ({ name, via }): Promise<FoundAgent | undefined> => {
      const installed = await findInstalled(PROFILES[name].programs[via], surroundings).catch(() => undefined);
      if (installed === undefined) return undefined;
      return installed.version === undefined ? { name, via } : { name, via, version: installed.version };
    }),
  );
  return found.filter((each) => each !== undefined);
};
