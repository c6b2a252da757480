/**
 * Coding agents: programs that change a workspace by themselves, driven over ACP or by their command line. They run only
 * inside walls, with a home of their own and a key that is worth nothing elsewhere. Their last message is the result;
 * what they changed is judged by the tree, never by what they say of it.
 */
import type { Agent } from '../agent.ts';
import type { CodingOptions } from './stage.ts';

export const createCodingAgent = (options: CodingOptions): Agent => ({
  // By its command line it takes no messages: nobody listens then, and they are given back.
  can: { stream: true, messages: true, schema: true, usage: true, resume: false },
  changes: () => 'itself',

  async attempt(work, services) {
    // Loaded with the first attempt: most runs have none.
    const { attemptCoding } = await import('./attempt.ts');
    return attemptCoding(options, work, services);
  },
});
