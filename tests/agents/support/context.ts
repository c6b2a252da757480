/** A host in miniature: blobs in a map, steps recorded in another, and a log to read. */

import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AttemptContext, Blobs } from '../../../src/engine/host/host.ts';
import type { Amounts, Hash, TaskSpec, Usage } from '../../../src/engine/kernel/plan.ts';
import type { RunState } from '../../../src/engine/kernel/state.ts';
import { BatonError } from '../../../src/errors.ts';
import type { Adapters } from '../../../src/work/agents/agent.ts';
import { createBreakers } from '../../../src/work/agents/breakers.ts';
import { createCodingAgent } from '../../../src/work/agents/coding/coding-agent.ts';
import { commandAgent } from '../../../src/work/agents/command.ts';
import { humanAgent } from '../../../src/work/agents/human.ts';
import { createModelAgent } from '../../../src/work/agents/model.ts';
import { createProviders } from '../../../src/work/agents/providers.ts';
import { createRegistry } from '../../../src/work/agents/registry.ts';
import { scriptedAgent } from '../../../src/work/agents/scripted.ts';
import { KnowledgeStore } from '../../../src/work/knowledge/store.ts';
import { createHandlers, type PerformOptions } from '../../../src/work/perform/handlers.ts';
import type { Definition, HandoffContent } from '../../../src/work/planning/definition.ts';
import { createSecrets } from '../../../src/work/policy/secrets.ts';

export class MapBlobs implements Blobs {
  readonly map = new Map<Hash, Buffer>();
  put(payload: Uint8Array | string): Hash {
    const bytes = Buffer.from(payload);
    const hash = createHash('sha256').update(bytes).digest('hex');
    this.map.set(hash, bytes);
    return hash;
  }
  get(hash: Hash): Buffer | undefined {
    return this.map.get(hash);
  }
  json(hash: Hash | undefined): unknown {
    return hash === undefined ? undefined : JSON.parse(this.map.get(hash)?.toString() ?? 'null');
  }
  everything(): string {
    return [...this.map.values()].map(String).join('\n');
  }
}

export interface Recorded {
  readonly key: string;
  readonly amounts: Amounts;
  readonly usage?: Usage;
}

/** Everything one program needs to perform attempts, and what it left behind. */
export const stage = (options: { env?: Record<string, string>; more?: Partial<PerformOptions> } = {}) => {
  const root = mkdtempSync(join(tmpdir(), 'baton-perform-'));
  const project = mkdtempSync(join(tmpdir(), 'baton-project-'));
  const blobs = new MapBlobs();
  const env = { PATH: process.env['PATH'] ?? '', ...options.env };
  const secrets = createSecrets({ env });
  const providers = createProviders({ secrets, env });
  const adapters: Adapters = {
    command: commandAgent,
    model: createModelAgent({ providers }),
    acp: createCodingAgent({ near: [], path: '' }),
    human: humanAgent,
    scripted: scriptedAgent,
  };
  const notices: string[] = [];
  const performing: PerformOptions = {
    homeId: 'test-home',
    folders: { root, project, sockets: root },
    repositories: {
      of: () => {
        throw new BatonError('NOT_A_REPOSITORY', 'There is no repository here.');
      },
    },
    planProblems: async () => [],
    similar: () => [],
    world: () => ({}),
    sandboxes: {
      choose: async () => {
        throw new BatonError('SANDBOX_UNAVAILABLE', 'There is no sandbox here.');
      },
    },
    reach: {},
    searchServer: () => undefined,
    knowledge: new KnowledgeStore({ path: join(root, 'knowledge.db'), now: () => 0 }),
    secrets,
    env,
    adapters,
    breakers: createBreakers(),
    providers,
    registry: createRegistry([], providers),
    functions: new Map(),
    blobs,
    now: () => 0,
    log: (message) => notices.push(message),
    ...options.more,
  };
  const handlers = createHandlers(performing);
  const steps = new Map<string, Buffer>();
  const recorded: Recorded[] = [];
  const log: string[] = [];

  const context = (definition: Definition, more: Partial<AttemptContext> = {}): AttemptContext => {
    const inputs = blobs.put(JSON.stringify(definition));
    const spec: TaskSpec = { id: 'fix', kind: 'work', needs: [], work: inputs };
    const attempt = more.attempt ?? 1;
    const base: AttemptContext = {
      run: 'r1',
      spec,
      attempt,
      attemptKey: `r1/fix/${attempt}`,
      effectKey: 'r1/fix/run',
      inputs,
      signal: new AbortController().signal,
      blobs,
      recorded: new Map(),
      feedback: [],
      acknowledged: 0,
      acknowledge: async () => {},
      state: () => ({ tasks: new Map() }) as unknown as RunState,
      async step(key, amounts, perform) {
        const before = steps.get(key);
        if (before !== undefined) return before;
        const { output, usage } = await perform();
        recorded.push({ key, amounts, ...(usage ? { usage } : {}) });
        steps.set(key, Buffer.from(output));
        return Buffer.from(output);
      },
      log: (chunk, kind = 'text') => log.push(`${kind}: ${chunk}`),
      checkpoint: async () => {},
      ask: async () => ({ allowed: false, by: 'timeout' }),
      onMessage: () => undefined,
    };
    return Object.defineProperties(base, Object.getOwnPropertyDescriptors(more));
  };

  const attempt = async (definition: Definition, more: Partial<AttemptContext> = {}) => {
    const outcome = await handlers.attempt(
      { type: 'attempt', id: 'a', task: 'fix', attempt: more.attempt ?? 1, agent: 'x' },
      context(definition, more),
    );
    return {
      outcome,
      failure: outcome.ok ? undefined : outcome.failure,
      content: outcome.ok ? (blobs.json(outcome.result) as HandoffContent) : undefined,
    };
  };

  return { root, project, blobs, secrets, performing, handlers, steps, recorded, log, notices, context, attempt };
};
