/** One attempt of a coding agent: found, started inside its walls, asked until its last message is a result, and ended. */
import { defined } from '../../../defined.ts';
import { AttemptError } from '../../processes/failure.ts';
import type { AgentOutcome, AgentServices, Checked, Work } from '../agent.ts';
import { askUntilRight } from '../asking.ts';
import { readConfig } from '../config.ts';
import type { Walls } from '../walls.ts';
import { checkSaid, lastBlock } from '../written.ts';
import { openAcp } from './acp.ts';
import { openCli } from './cli.ts';
import { ASK_MS, type CodingConfig, codingConfigSchema } from './config.ts';
import { findInstalled } from './installed.ts';
import { modelOf } from './needs.ts';
import { askingBefore, type Permission } from './permission.ts';
import { HOME_INSIDE, Place } from './place.ts';
import { PROFILES } from './profiles.ts';
import { againPrompt, reworkPrompt, wholePrompt } from './prompt.ts';
import { type CodingOptions, type Permitted, type Stage, type Talk, TIMING } from './stage.ts';
import { Transcript } from './transcript.ts';
import { Watch } from './watch.ts';

export const attemptCoding = async (options: CodingOptions, work: Work, services: AgentServices): Promise<AgentOutcome> => {
  const attempt = new CodingAttempt(options, work, services);
  try {
    return await askUntilRight(work, services, async (number, problems) => {
      if (number === 1) await attempt.begin();
      else await attempt.turn(againPrompt(problems));
      return { checked: attempt.result() };
    });
  } finally {
    await attempt.end();
  }
};

class CodingAttempt {
  private readonly options: CodingOptions;
  private readonly work: Work;
  private readonly services: AgentServices;
  private readonly transcript: Transcript;
  private watch: Watch | undefined;
  private stage: Stage | undefined;
  private talk: Talk | undefined;
  private unanswered = false;
  private readonly opened = Promise.withResolvers<Talk | undefined>();

  constructor(options: CodingOptions, work: Work, services: AgentServices) {
    this.options = options;
    this.work = work;
    this.services = services;
    this.transcript = new Transcript(services.log, (activity) => {
      this.watch?.saw(activity);
      if (activity.type === 'tool-end') services.ran();
    });
  }

  /** Starts the agent, and has it do the task. */
  async begin(): Promise<void> {
    const config = readConfig(codingConfigSchema, this.work.agent);
    this.stage = await this.prepare(config, wallsOf(this.work));
    if (config.via === 'acp') this.services.onMessage((text) => this.message(text));
    await this.open(this.stage);
    try {
      await this.turn(this.talk?.goesOn ? reworkPrompt(this.work) : wholePrompt(this.work, config.instructions));
    } catch (error) {
      if (!this.talk?.goesOn || this.transcript.begun || this.stage.signal.aborted) throw error;
      this.transcript.note("The earlier conversation can't be gone on with; it begins anew.");
      await this.talk.close();
      const { session: _, ...anew } = this.stage;
      this.transcript.session = undefined;
      await this.open(anew);
      await this.turn(wholePrompt(this.work, config.instructions));
    }
  }

  async turn(prompt: string): Promise<void> {
    await this.talk?.turn(prompt);
  }

  result(): Checked {
    const { end, last } = this.transcript;
    if (end?.ok && end.cut) return { ok: false, problems: ['it was cut off where the model may say no more; make it shorter'] };
    return checkSaid(this.work.schema === undefined ? last : lastBlock(last), this.work.schema);
  }

  async end(): Promise<void> {
    this.opened.resolve(undefined);
    await this.talk?.close();
    this.watch?.end();
    if (this.transcript.session !== undefined) await this.stage?.place.remember(this.transcript.session);
  }

  private async open(stage: Stage): Promise<void> {
    this.talk = await (stage.config.via === 'acp' ? openAcp(stage) : openCli(stage));
    this.opened.resolve(this.talk);
  }

  /** From a person; waits until there is somebody to read it. */
  private async message(text: string): Promise<boolean> {
    const talk = await this.opened.promise;
    return (await talk?.message?.(text)) ?? false;
  }

  private async prepare(config: CodingConfig, walls: Walls): Promise<Stage> {
    const { work, options, services, transcript } = this;
    const { now = () => performance.now() } = options;
    const profile = PROFILES[config.acp];
    const wanted = profile.programs[config.via];
    const installed = await findInstalled({ ...wanted, program: config.command ?? wanted.program }, options);
    const place = new Place(work, walls, profile, config.via);
    const session = await place.open();
    const timing = { ...TIMING, ...options.timing };
    const limits = { noProgressMs: config.noProgress, repeatsMax: config.repeatsMax };
    const watch = new Watch(limits, walls.models, timing.watchMs, now);
    this.watch = watch;
    return {
      ...{ work, walls, config, profile, installed, place, transcript, timing },
      ...defined({ session }),
      setting: { via: config.via, models: walls.models, home: HOME_INSIDE, ...defined({ model: modelOf(config), mode: config.mode }) },
      signal: AbortSignal.any([services.signal, walls.models.exhausted, watch.signal]),
      permit: (asked) => this.permit(asked, walls, config, watch),
    };
  }

  /** By policy first; what that leaves to a person is asked, until one time nobody answers. */
  private async permit(asked: Permission, { folder, workspace }: Walls, config: CodingConfig, watch: Watch): Promise<Permitted> {
    const { policy = askingBefore(config.ask?.before ?? []) } = this.options;
    const ruling = policy(asked, { folder, workspace, home: HOME_INSIDE });
    if (ruling !== 'ask') return ruling;
    const { ask } = this.services;
    if (ask === undefined) return { allow: false, why: 'a person would have to be asked, and nobody can be' };
    if (this.unanswered) return { allow: false, why: 'a person would have to be asked, and nobody answered the last time' };
    const rule = { by: config.ask?.by ?? [], timeoutMs: config.ask?.timeout ?? ASK_MS };
    const { allowed, by } = await watch.waiting(() => ask({ agent: this.work.agent.name, ...asked }, rule));
    this.unanswered = by === 'timeout';
    if (by === 'timeout') return { allow: false, why: `nobody answered in ${rule.timeoutMs} ms, the limit ask.timeout` };
    return { allow: allowed, why: 'a person was asked' };
  }
}

const wallsOf = ({ walls, agent }: Work): Walls => {
  if (walls !== undefined) return walls;
  throw new AttemptError('policy', 'SANDBOX_UNAVAILABLE', `The agent "${agent.name}" runs only in a sandbox, and there is none here.`, {
    hint: '`baton doctor` says which sandboxes this machine has and what keeps it from using them.',
    dispatched: false,
  });
};
