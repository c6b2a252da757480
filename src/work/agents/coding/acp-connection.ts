/**
 * An agent's process and the connection to it over ACP, from its start until it has a conversation in the right mode.
 * Client file access and terminals are not offered: an agent that used ours would be outside its walls.
 */
import { Readable, Writable } from 'node:stream';
import type { ClientContext } from '@agentclientprotocol/sdk';
import { BatonError } from '../../../errors.ts';
import { AttemptError } from '../../processes/failure.ts';
import { type Ended, runProcess } from '../../processes/process.ts';
import { suggestion } from '../suggestion.ts';
import { ToolCalls } from './acp-updates.ts';
import { endedEarly, throwIfAborted, turnFailed } from './ending.ts';
import { type JsonObject, listIn, numberIn, objectIn, textIn } from './profile.ts';
import type { Stage } from './stage.ts';

export interface AcpConnection {
  readonly agent: ClientContext;
  /** Whether it takes a message in the middle of a turn. */
  readonly steers: boolean;
  readonly session: string;
  /** The conversation is that of an earlier attempt. */
  readonly goesOn: boolean;
  /** Ends the process at once. */
  stop(): void;
  /** Ends its input, so that it can put its things in order, and then itself. */
  close(): Promise<void>;
  /** What a failed request means. Waits for the process when it is on its way out. */
  errorOf(error: unknown): Promise<AttemptError>;
}

export const connectAcp = async (stage: Stage): Promise<AcpConnection> => {
  const line = await startLine(stage);
  const interrupted = (): void => line.stop();
  stage.signal.addEventListener('abort', interrupted, { once: true });
  try {
    return { ...line, ...(await converse(stage, line.agent)) };
  } catch (error) {
    const failed = error instanceof AttemptError ? error : await line.errorOf(error);
    line.stop();
    await line.close();
    throwIfAborted(stage.signal);
    throw failed;
  } finally {
    stage.signal.removeEventListener('abort', interrupted);
  }
};

type Line = Pick<AcpConnection, 'agent' | 'stop' | 'close' | 'errorOf'>;

const startLine = async (stage: Stage): Promise<Line> => {
  const { work, profile, setting, place, installed, config, transcript, timing, walls } = stage;
  const { program } = profile.programs.acp;
  const acp = await import('@agentclientprotocol/sdk');
  const stop = new AbortController();
  const started = Promise.withResolvers<{ readonly stdin: Writable; readonly stdout: Readable }>();
  let over: Ended | undefined;
  const ended = runProcess({
    run: [program],
    cwd: work.folder,
    env: work.env,
    walls: await place.wrap(installed, profile.setup(setting), config.args),
    signal: stop.signal,
    graceMs: timing.graceMs,
    log: (chunk) => transcript.heard(chunk),
    talk: (stdin, stdout) => started.resolve({ stdin, stdout }),
  });
  ended.then((end) => {
    over = end;
    started.reject(endedEarly(program, end, false));
  });
  const { stdin, stdout } = await started.promise;
  const stream = acp.ndJsonStream(Writable.toWeb(stdin), Readable.toWeb(stdout) as ReadableStream<Uint8Array>);
  const connection = listening(acp.client({ name: 'baton' }), stage).connect(stream);

  const stopNow = (): void => stop.abort(new BatonError('CANCELLED', 'The attempt is over.'));
  return {
    agent: connection.agent,
    stop: stopNow,
    async close() {
      stdin.end();
      const patience = setTimeout(stopNow, timing.closeMs);
      await ended;
      clearTimeout(patience);
      connection.close();
    },
    async errorOf(error) {
      // The pipes of a process close before it is gone; one that closed them and stays is not waited for.
      if (connection.signal.aborted) setTimeout(stopNow, timing.closeMs).unref();
      if (over !== undefined || connection.signal.aborted) return endedEarly(program, await ended, transcript.begun);
      const { code, message, data } = objectIn(error);
      if (code === AUTH_REQUIRED) return new AttemptError('permanent', 'AUTH', `${program} wants somebody to sign in: ${textIn(message)}`);
      const details = textIn(objectIn(data)['details']);
      const status = numberIn(code) >= 400 && numberIn(code) < 600 ? numberIn(code) : undefined;
      return turnFailed(program, details === '' ? textIn(message) : `${textIn(message)}: ${details}`, status, walls.models);
    },
  };
};

/** `auth_required` of the protocol. */
const AUTH_REQUIRED = -32_000;

type ClientApp = ReturnType<typeof import('@agentclientprotocol/sdk')['client']>;

const listening = (app: ClientApp, { transcript, permit, signal }: Stage): ClientApp => {
  const calls = new ToolCalls();
  return app
    .onNotification('session/update', objectIn, ({ params }) => {
      for (const activity of calls.activities(objectIn(params['update']))) transcript.take(activity);
    })
    .onRequest('session/request_permission', objectIn, async ({ params }) => {
      const { asked, activities } = calls.permission(objectIn(params['toolCall']));
      for (const activity of activities) transcript.take(activity);
      const cancelled = { outcome: { outcome: 'cancelled' } };
      const { allow, why } = await permit(asked).catch((error: unknown) => ({ allow: false, why: String(error) }));
      if (signal.aborted) return cancelled;
      transcript.note(`${allow ? 'Allowed' : 'Not allowed'} (${why}): ${asked.title || asked.kind}`);
      const option = optionFor(allow, listIn(params['options']));
      return option === undefined ? cancelled : { outcome: { outcome: 'selected', optionId: option } };
    });
};

/** Once where that is offered: what is allowed for good is never asked again. */
const optionFor = (allow: boolean, options: readonly JsonObject[]): string | undefined => {
  const wanted = allow ? ['allow_once', 'allow_always'] : ['reject_once', 'reject_always'];
  const found = wanted.map((kind) => options.find((option) => option['kind'] === kind)).find((option) => option !== undefined);
  return found === undefined ? undefined : textIn(found['optionId']);
};

const converse = async (stage: Stage, agent: ClientContext): Promise<Pick<AcpConnection, 'steers' | 'session' | 'goesOn'>> => {
  const { profile, timing } = stage;
  const { program } = profile.programs.acp;
  const late = Promise.withResolvers<never>();
  const limit = setTimeout(() => {
    const text = `${program} was not ready ${timing.startMs} ms after its start, the limit startMs.`;
    late.reject(new AttemptError('timeout', 'AGENT_START_TIMEOUT', text));
  }, timing.startMs);
  try {
    return await Promise.race([begin(stage, agent), late.promise]);
  } finally {
    clearTimeout(limit);
  }
};

const PROTOCOL = 1;

const begin = async (stage: Stage, agent: ClientContext): Promise<Pick<AcpConnection, 'steers' | 'session' | 'goesOn'>> => {
  const { installed, profile, transcript } = stage;
  const hello = await agent.request('initialize', {
    protocolVersion: PROTOCOL,
    clientInfo: { name: 'baton', version: '0' },
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
  });
  const { version = installed.version } = objectIn(hello.agentInfo);
  transcript.note(`${profile.programs.acp.program}${textIn(version) === '' ? '' : ` ${textIn(version)}`}, over ACP`);
  const { session, answer, goesOn } = await openSession(stage, agent, hello.agentCapabilities?.loadSession === true);
  await setMode(stage, agent, session, answer);
  return { session, goesOn, steers: objectIn(objectIn(hello._meta)['steering'])['supported'] === true };
};

const openSession = async (
  { session, walls, profile, transcript }: Stage,
  agent: ClientContext,
  canLoad: boolean,
): Promise<{ readonly session: string; readonly answer: JsonObject; readonly goesOn: boolean }> => {
  const place = { cwd: walls.folder, mcpServers: [], ...(profile.sessionMeta === undefined ? {} : { _meta: profile.sessionMeta }) };
  if (session !== undefined && canLoad) {
    try {
      const answer = await transcript.silently(() => agent.request<unknown>('session/load', { ...place, sessionId: session }));
      return { session, answer: objectIn(answer), goesOn: true };
    } catch (error) {
      transcript.note(`The earlier conversation can't be gone on with: ${textIn(objectIn(error)['message'])}`);
    }
  }
  const answer = objectIn(await agent.request<unknown>('session/new', place));
  return { session: textIn(answer['sessionId']), answer, goesOn: false };
};

/** Agents have modes as such, or as one of their options. */
const setMode = async (
  { config, profile }: Stage,
  agent: ClientContext,
  sessionId: string,
  { modes, configOptions }: JsonObject,
): Promise<void> => {
  const wanted = config.mode ?? profile.mode;
  const ids = listIn(objectIn(modes)['availableModes']).map(({ id }) => textIn(id));
  if (ids.includes(wanted)) {
    await agent.request('session/set_mode', { sessionId, modeId: wanted });
    return;
  }
  const option = listIn(configOptions).find(({ category }) => category === 'mode');
  const values = listIn(option?.['options']).map(({ value }) => textIn(value));
  if (option !== undefined && values.includes(wanted)) {
    await agent.request('session/set_config_option', { sessionId, configId: textIn(option['id']), value: wanted });
    return;
  }
  if (config.mode === undefined) return;
  const known = [...new Set([...ids, ...values])];
  throw new AttemptError('permanent', 'UNKNOWN_MODE', `${profile.name} has no mode "${wanted}".`, {
    hint: `${suggestion(wanted, known)} It has ${known.join(', ') || 'none'}.`.trim(),
  });
};
