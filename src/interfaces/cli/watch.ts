/**
 * Watches a run until it is over, or until nobody here can do more: headless that is when only a person can move it on.
 * On a terminal open questions are asked in place, and Ctrl-C asks what shall become of the run; a second one leaves.
 */
import type { InboxItem } from '../api/shapes.ts';
import { openApprovals, type RunState } from '../api/states.ts';
import { attentionCommand, itemLines } from './asking.ts';
import type { Session } from './connect.ts';
import { type Context, EXIT } from './context.ts';
import { exitCodeOfRun } from './exit-code.ts';
import type { View } from './live.ts';
import { eventLines, plainView } from './plain.ts';
import { newProgress, type Progress, reduce, standing } from './progress.ts';

export interface WatchOptions {
  readonly run: string;
  /** Lines that tasks print, too. */
  readonly output: boolean;
  /** Ask open questions, and offer choices on Ctrl-C. Somebody who only follows just leaves. */
  readonly asks: boolean;
}

/** How long a run must stand still before a headless command gives up waiting, in milliseconds. */
const STILL_MS = 200;

export async function watch(context: Context, session: Session, options: WatchOptions): Promise<number> {
  const watcher = new Watcher(context, session, options);
  await watcher.open();
  try {
    return await watcher.run();
  } finally {
    watcher.end();
  }
}

class Watcher {
  private readonly context: Context;
  private readonly session: Session;
  private readonly options: WatchOptions;
  private readonly progress: Progress;
  private readonly leaving = new AbortController();
  private view: View | undefined;
  private code: number | undefined;
  private still: NodeJS.Timeout | undefined;
  /** A question, or the choices of Ctrl-C, is on the terminal. */
  private question: { readonly key: string; readonly abort: AbortController } | undefined;
  private readonly later = new Set<string>();
  private interrupts = 0;
  /** By us, on the way out. */
  private paused = false;

  constructor(context: Context, session: Session, options: WatchOptions) {
    this.context = context;
    this.session = session;
    this.options = options;
    this.progress = newProgress(options.run);
  }

  async open(): Promise<void> {
    const { out, now } = this.context;
    process.on('SIGINT', this.onInterrupt);
    // An engine in this process is closed in order; one in the background does not mind.
    if (this.session.at() === 'here') for (const signal of ENDS) process.on(signal, this.onEnd);
    if (out.interactive && !this.options.output) {
      const { liveView } = await import('./live.ts');
      this.view = liveView(this.progress, out.streams.stdout, out.paint, now);
    } else this.view = plainView(out, this.options);
  }

  end(): void {
    process.off('SIGINT', this.onInterrupt);
    for (const signal of ENDS) process.off(signal, this.onEnd);
    clearTimeout(this.still);
    this.question?.abort.abort();
    this.view?.end();
    this.closing();
  }

  async run(): Promise<number> {
    const { client, at } = this.session;
    const { run } = this.options;
    const { signal } = this.leaving;
    const onBroken = async (problem: unknown, times: number) => {
      // What is stored of a run that nobody carries on is all there is to see.
      if (at() === 'reader') this.leave(EXIT.person);
      else if (times > 20) throw problem;
      else await new Promise((resolve) => setTimeout(resolve, Math.min(50 * 2 ** times, 1_000)));
    };
    // Lines alone are made from facts; what tasks print is asked for where it is shown.
    const output = this.context.out.json || this.context.out.interactive || this.options.output;
    for await (const event of client.follow({ run, output, signal, onBroken })) {
      if (this.context.out.json) eventLines(event, this.context.out);
      this.view?.show(reduce(this.progress, event));
      this.look();
      if (this.code !== undefined) break;
    }
    return this.code ?? EXIT.failed;
  }

  private leave(code: number): void {
    this.code ??= code;
    this.leaving.abort();
  }

  /** What the state asks of us now. */
  private look(): void {
    const { state } = this.progress;
    const stands = standing(this.progress);
    if (stands === 'over' && state) {
      this.leave(this.interrupts > 0 ? EXIT.interrupted : exitCodeOfRun(state));
      return;
    }
    if (this.question && state && !openKeys(state).has(this.question.key) && this.question.key !== INTERRUPT) this.question.abort.abort();
    clearTimeout(this.still);
    if (stands === 'person' || (this.progress.caughtUp && state && openKeys(state).size > 0 && this.canAsk))
      this.still = setTimeout(() => void this.needsPerson().catch((error) => this.fail(error)), STILL_MS);
  }

  private fail(error: unknown): void {
    this.context.out.error(error);
    this.leave(EXIT.failed);
  }

  private get canAsk(): boolean {
    return this.options.asks && this.context.out.interactive && this.session.at() !== 'reader';
  }

  private async needsPerson(): Promise<void> {
    if (this.question || this.code !== undefined) return;
    const items = await this.session.client.inbox(this.options.run);
    const item = this.canAsk ? items.find((each) => !this.later.has(keyOf(each))) : undefined;
    if (item) await this.ask(item);
    // Somebody who only follows on a terminal stays: another one may decide.
    else if (standing(this.progress) === 'person' && (this.options.asks || !this.context.out.interactive)) {
      this.waitingFor = items;
      this.leave(EXIT.person);
    }
  }
  private waitingFor: readonly InboxItem[] = [];

  private async ask(item: InboxItem): Promise<void> {
    const question = { key: keyOf(item), abort: new AbortController() };
    this.question = question;
    this.view?.pause();
    const { ask } = await import('./ask.ts');
    const asked = await ask(item, this.session.client, question.abort.signal);
    this.question = undefined;
    this.view?.resume();
    if (asked === 'later') this.later.add(question.key);
    if (asked === 'interrupt') this.onInterrupt();
    else this.look();
  }

  /** First Ctrl-C: choices on a terminal, else leave. Second: leave at once. */
  private readonly onInterrupt = (): void => {
    this.interrupts++;
    this.question?.abort.abort();
    if (this.interrupts > 1 || !this.canAsk) this.leave(EXIT.interrupted);
    else void this.choose().catch((error) => this.fail(error));
  };

  private readonly onEnd = (): void => this.leave(EXIT.interrupted);

  private async choose(): Promise<void> {
    const question = { key: INTERRUPT, abort: new AbortController() };
    this.question = question;
    this.view?.pause();
    const { interrupted } = await import('./ask.ts');
    const chosen = await interrupted(this.session.at() === 'here');
    this.question = undefined;
    const { run } = this.options;
    if (chosen === 'watch') this.interrupts = 0;
    else if (chosen === 'pause') {
      await this.session.client.pause(run);
      this.paused = true;
    } else if (chosen === 'cancel') await this.session.client.cancel(run, 'Ctrl-C');
    // A cancelled run is watched to its end: its `always` tasks still run.
    if (chosen === 'leave' || chosen === 'pause') this.leave(EXIT.interrupted);
    else {
      this.view?.resume();
      this.look();
    }
  }

  /** What is left to say when the view is gone. */
  private closing(): void {
    const { out } = this.context;
    const { state, run } = this.progress;
    const at = this.session.at();
    if (this.code === EXIT.person) {
      out.data({ type: 'waiting', run, items: this.waitingFor.map((item) => ({ ...item, command: attentionCommand(run, item) })) });
      for (const item of this.waitingFor) out.say(...itemLines(item, out.paint));
      if (at === 'reader' && state && standing(this.progress) === 'moving')
        out.note('wait', `Nobody carries run ${run} on now. Go on with it: baton resume`);
    } else if (this.code === EXIT.interrupted && state?.status !== 'cancelled') {
      if (at === 'here') out.note('dim', `Run ${run} stops with this command. Go on with it: baton resume`);
      else if (this.paused) out.note('dim', `Run ${run} is paused: what runs may finish. Go on with it: baton resume ${run}`);
      else if (this.options.asks) out.note('dim', `Run ${run} goes on in the background. Watch it: baton follow ${run}`);
    }
  }
}

const INTERRUPT = 'interrupt';
const ENDS = ['SIGTERM', 'SIGHUP'] as const;

const keyOf = (item: InboxItem): string =>
  item.kind === 'approval' ? `approval:${item.approval}` : item.kind === 'paused' ? 'paused' : `${item.kind}:${item.task}`;

/** Keys of everything only a person moves on. */
function openKeys(state: RunState): Set<string> {
  const keys = new Set(openApprovals(state).map(({ id }) => `approval:${id}`));
  if (state.status === 'paused') keys.add('paused');
  if (state.people === 0) return keys;
  for (const [id, { status, spec, probing }] of state.tasks) {
    if (status === 'running' && spec.kind === 'question') keys.add(`question:${id}`);
    else if (status === 'blocked') keys.add(`blocked:${id}`);
    else if (status === 'undecided' && !probing) keys.add(`undecided:${id}`);
  }
  return keys;
}
