/** One attempt of a fake coding agent, with what it leaves behind. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defined } from '../../../src/defined.ts';
import type { Usage } from '../../../src/engine/kernel/plan.ts';
import { BatonError } from '../../../src/errors.ts';
import type { AgentOutcome, AgentServices, Work } from '../../../src/work/agents/agent.ts';
import { createCodingAgent } from '../../../src/work/agents/coding/coding-agent.ts';
import type { CodingOptions } from '../../../src/work/agents/coding/stage.ts';
import { ATTEMPT_VARIABLE, endAttempt } from '../../../src/work/processes/leftovers.ts';
import { type FakeWalls, fakeWalls } from './fake-walls.ts';

export const FAKES = {
  acp: fileURLToPath(new URL('./fake-acp-agent.ts', import.meta.url)),
  cli: fileURLToPath(new URL('./fake-cli-agent.ts', import.meta.url)),
};
export const QUICK = { cancelMs: 150, closeMs: 150, graceMs: 150, interruptMs: 100, watchMs: 20, startMs: 10_000 };

export interface Played {
  readonly outcome: AgentOutcome;
  /** `class CODE message`, or undefined when it went well. */
  readonly failure: string | undefined;
  readonly text: unknown;
  readonly log: string;
  readonly fake: FakeWalls;
  readonly steps: readonly Usage[];
  /** How often it told that a call had ended. */
  readonly ran: number;
  /** The messages the agent got over ACP, in order. */
  readonly heard: readonly { readonly method: string; readonly params: Record<string, unknown> }[];
  /** Processes of the attempt that were left, and are gone now. */
  readonly left: number;
}

export interface Play {
  readonly via?: 'acp' | 'cli';
  readonly config?: Readonly<Record<string, unknown>>;
  readonly work?: Partial<Work>;
  readonly options?: Partial<CodingOptions>;
  /** Told when the first output is shown. */
  readonly onShown?: (stage: { readonly fake: FakeWalls; readonly abort: (code: string) => void }) => void;
  /** Sent as soon as somebody listens; the answer is in `answers`. */
  readonly message?: string;
  readonly answers?: boolean[];
  readonly signal?: AbortSignal;
  /** Answers for a person. */
  readonly ask?: AgentServices['ask'];
  readonly walls?: false;
}

let attempts = 0;

/** Walls and a workspace that last for several attempts of one task. */
export async function stageOf() {
  const folder = mkdtempSync(join(tmpdir(), 'baton-coding-'));
  const steps: Usage[] = [];
  const step: AgentServices['step'] = async (_key, _reserve, perform) => {
    const { output, usage } = await perform();
    if (usage !== undefined) steps.push(usage);
    return output;
  };
  const fake = await fakeWalls({ folder }, { step });

  const play = async (part: string, more: Play = {}): Promise<Played> => {
    const via = more.via ?? 'acp';
    const key = `coding-${process.pid}-${++attempts}/task/1`;
    const stop = new AbortController();
    const lines: string[] = [];
    let shown = false;
    let ran = 0;
    const services: AgentServices = {
      signal: more.signal ?? stop.signal,
      step,
      ...defined({ ask: more.ask }),
      log: (chunk, kind = 'text') => {
        lines.push(kind === 'text' ? chunk : `[${kind}] ${chunk}`);
        if (shown || kind !== 'text') return;
        shown = true;
        more.onShown?.({ fake, abort: (code) => stop.abort(new BatonError(code, `The test says ${code}.`)) });
      },
      ran: () => ran++,
      onMessage: (handler) => {
        const { message, answers } = more;
        if (message === undefined) return;
        const begin = setInterval(() => {
          if (!shown) return;
          clearInterval(begin);
          Promise.resolve(handler(message)).then((answer) => answers?.push(answer));
        }, 5);
        begin.unref();
      },
    };
    const work: Work = {
      ...{
        run: 'r',
        task: 'fix',
        attempt: 1,
        attemptKey: key,
        effectKey: 'r/fix/run',
        prompt: 'Fix it.',
        inputs: {},
        feedback: [],
        acknowledged: 0,
        goesOn: (more.work?.feedback ?? []).length > 0,
      },
      agent: {
        ...{ name: 'coder', kind: 'acp', capabilities: [], slots: 1 },
        config: { acp: 'claude', via, command: FAKES[via], args: [part], ...more.config },
      },
      folder,
      files: { task: join(folder, 'task.json'), handoff: join(folder, 'handoff.json') },
      place: {
        files: { task: '', handoff: '' },
        command: async (command) => ({ ...command, cwd: folder }),
      },
      env: { LANG: 'C.UTF-8', PATH: '/outside', HOME: '/outside', [ATTEMPT_VARIABLE]: key },
      asksMax: 2,
      ...(more.walls === false ? {} : { walls: fake.walls }),
      ...more.work,
    };
    const agent = createCodingAgent({ near: [], path: '', timing: QUICK, ...more.options });
    const outcome = await agent.attempt(work, services);
    return {
      outcome,
      failure: outcome.ok ? undefined : `${outcome.failure.class} ${outcome.failure.code} ${outcome.failure.message}`,
      text: outcome.ok ? outcome.result.outputs['text'] : undefined,
      log: lines.join(''),
      fake,
      steps,
      ran,
      heard: heardOf(fake.walls.state),
      left: (await endAttempt(key)).length,
    };
  };

  return {
    fake,
    folder,
    play,
    async close() {
      await fake.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const heardOf = (state: string): Played['heard'] => {
  try {
    const diary = readFileSync(join(state, 'claude-acp', 'diary.jsonl'), 'utf8');
    return diary
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  } catch {
    return [];
  }
};
