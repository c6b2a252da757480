/**
 * Walls that hold nothing, for tests of what happens inside them: paths inside are the paths outside, and the meter is a
 * server of a few lines that answers every request with one word and records it as a step.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Failure } from '../../../src/engine/kernel/plan.ts';
import type { AgentServices, Work } from '../../../src/work/agents/agent.ts';
import type { Walls, WallsRequest } from '../../../src/work/agents/walls.ts';

export interface FakeWalls {
  readonly walls: Walls;
  /** What was started, in order. */
  readonly started: WallsRequest[];
  /** How many were given back. */
  released: number;
  /** What `failing` says from now on. */
  failing: { readonly failure: Failure; readonly requests: number } | undefined;
  /** How long the meter has been quiet, where that is not measured. */
  quietMs: number | undefined;
  exhaust(error: Error): void;
  close(): Promise<void>;
}

const USAGE = { inputTokens: 12, outputTokens: 3, calls: 1 };

export async function fakeWalls({ folder }: Pick<Work, 'folder'>, { step }: Pick<AgentServices, 'step'>): Promise<FakeWalls> {
  const state = mkdtempSync(join(tmpdir(), 'baton-fake-walls-'));
  const exhausted = new AbortController();
  let requests = 0;
  let askedAt = performance.now();
  const server = createServer(async (request, response) => {
    for await (const _ of request) askedAt = performance.now();
    requests += 1;
    const text = await step(`wire-${requests}`, { calls: 1 }, async () => ({ output: 'Fine.', usage: USAGE }));
    response.end(JSON.stringify({ text }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fake: FakeWalls = {
    walls: {
      folder,
      workspace: folder,
      state,
      async wrap(request) {
        fake.started.push(request);
        const outside = (text: string): string =>
          (request.mounts ?? []).reduce((done, { from, to = from }) => done.replaceAll(to, from), text);
        const env = Object.fromEntries(Object.entries(request.env).map(([name, value]) => [name, outside(value)]));
        const [program, ...args] = request.command;
        return {
          command: ['/usr/bin/env', '-C', folder, program, ...args.map(outside)],
          env: { PATH: process.env['PATH'] ?? '', ...env },
          async release() {
            fake.released += 1;
          },
        };
      },
      models: {
        openai: `${url}/openai/v1`,
        anthropic: `${url}/anthropic`,
        gemini: `${url}/gemini`,
        token: 'token-of-a-test',
        quietMs: () => fake.quietMs ?? performance.now() - askedAt,
        total: () => ({ inputTokens: 12 * requests, outputTokens: 3 * requests, calls: requests }),
        failing: () => fake.failing,
        exhausted: exhausted.signal,
      },
    },
    started: [],
    released: 0,
    failing: undefined,
    quietMs: undefined,
    exhaust: (error) => exhausted.abort(error),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(state, { recursive: true, force: true });
    },
  };
  return fake;
}
