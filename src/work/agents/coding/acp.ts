/**
 * A coding agent over the Agent Client Protocol: one process and one conversation for the attempt, one prompt for each
 * turn. A message from a person goes into the running turn where the agent can take it there. Otherwise it waits for the
 * end of the turn, and after a while ends the turn itself, since whoever wrote it is waiting.
 */
import { AttemptError } from '../../processes/failure.ts';
import { type AcpConnection, connectAcp } from './acp-connection.ts';
import { usageIn } from './acp-updates.ts';
import { throwIfAborted, turnFailed } from './ending.ts';
import { objectIn, textIn } from './profile.ts';
import { messagePrompt } from './prompt.ts';
import type { Stage, Talk } from './stage.ts';

export const openAcp = async (stage: Stage): Promise<Talk> => {
  const connection = await connectAcp(stage);
  stage.transcript.take({ type: 'session', id: connection.session });
  return new AcpTalk(stage, connection);
};

interface Waiting {
  readonly text: string;
  readonly sent: (sent: boolean) => void;
}

class AcpTalk implements Talk {
  readonly goesOn: boolean;
  private readonly stage: Stage;
  private readonly connection: AcpConnection;
  private readonly waiting: Waiting[] = [];
  private readonly timers: NodeJS.Timeout[] = [];
  private turning = false;
  private over = false;

  constructor(stage: Stage, connection: AcpConnection) {
    this.stage = stage;
    this.connection = connection;
    this.goesOn = connection.goesOn;
    if (stage.signal.aborted) this.cancel();
    else stage.signal.addEventListener('abort', this.cancel, { once: true });
  }

  /** Asks for the end of the turn, and makes it. */
  private readonly cancel = (): void => {
    this.askToCancel();
    this.after(this.stage.timing.cancelMs, () => this.connection.stop());
  };

  private askToCancel(): void {
    this.connection.agent.notify('session/cancel', { sessionId: this.connection.session }).catch(() => undefined);
  }

  async turn(prompt: string): Promise<void> {
    let reason = await this.prompt(prompt);
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      const answered = this.prompt(messagePrompt(next.text));
      next.sent(true);
      reason = await answered;
    }
    this.judge(reason);
  }

  private async prompt(text: string): Promise<string> {
    const { transcript, signal } = this.stage;
    throwIfAborted(signal);
    transcript.beginTurn();
    this.turning = true;
    try {
      const { agent, session } = this.connection;
      const response = await agent.request('session/prompt', { sessionId: session, prompt: [{ type: 'text', text }] });
      for (const activity of usageIn(response)) transcript.take(activity);
      return textIn(objectIn(response)['stopReason']);
    } catch (error) {
      throwIfAborted(signal);
      throw await this.connection.errorOf(error);
    } finally {
      this.turning = false;
      throwIfAborted(signal);
    }
  }

  /** How a turn ended, by the protocol's reasons. */
  private judge(reason: string): void {
    const { transcript, profile, walls } = this.stage;
    const { program } = profile.programs.acp;
    switch (reason) {
      case 'end_turn':
        if (profile.hidesFailures === 'acp' && walls.models.failing() !== undefined)
          throw turnFailed(program, transcript.last, undefined, walls.models);
        transcript.take({ type: 'end', ok: true });
        break;
      case 'max_tokens':
        transcript.take({ type: 'end', ok: true, cut: true });
        break;
      case 'refusal':
        throw new AttemptError('permanent', 'REFUSED', `The model refuses: ${transcript.last}`);
      case 'max_turn_requests':
        throw new AttemptError('permanent', 'TURN_TOO_LONG', `${program} ended its turn at its own limit of requests.`, {
          hint: 'Make the task smaller, or raise that limit by args of the agent.',
        });
      default:
        throw new AttemptError('transient', 'TURN_CANCELLED', `${program} ended its turn as "${reason}", which nobody asked for.`);
    }
  }

  async message(text: string): Promise<boolean> {
    if (this.over) return false;
    if (this.turning && this.connection.steers && (await this.steer(text))) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiting: Waiting = { text, sent: resolve };
    this.waiting.push(waiting);
    this.after(this.stage.timing.interruptMs, () => {
      if (this.turning && this.waiting.includes(waiting)) this.askToCancel();
    });
    return promise;
  }

  /** Into the running turn; not a part of the protocol proper, but what those who do it agree on. */
  private async steer(text: string): Promise<boolean> {
    const { agent, session } = this.connection;
    const params = { sessionId: session, prompt: [{ type: 'text', text }], _meta: { steering: { idleBehavior: 'promptRequired' } } };
    try {
      return objectIn(await agent.request<unknown>('_session/steering', params))['outcome'] === 'injected';
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    this.over = true;
    for (const { sent } of this.waiting.splice(0)) sent(false);
    this.stage.signal.removeEventListener('abort', this.cancel);
    if (this.stage.signal.aborted) this.connection.stop();
    await this.connection.close();
    for (const timer of this.timers) clearTimeout(timer);
  }

  private after(ms: number, act: () => void): void {
    this.timers.push(setTimeout(act, ms));
  }
}
