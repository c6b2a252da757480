/**
 * A coding agent by its command line: each turn is a process that reads its prompt from stdin, prints what it does as
 * lines of JSON, and ends. The next turn resumes the conversation by its name.
 */
import { runProcess } from '../../processes/process.ts';
import { endedEarly, throwIfAborted, turnFailed } from './ending.ts';
import { readJsonLines } from './json-lines.ts';
import type { Stage, Talk } from './stage.ts';

export const openCli = async (stage: Stage): Promise<Talk> => ({
  goesOn: stage.session !== undefined,
  turn: (prompt) => turn(stage, prompt),
  close: async () => undefined,
});

const turn = async (stage: Stage, prompt: string): Promise<void> => {
  const { work, profile, setting, place, installed, config, transcript, signal, timing, walls } = stage;
  const session = transcript.session ?? stage.session;
  transcript.beginTurn();
  const setup = profile.setup({ ...setting, ...(session === undefined ? {} : { session }) });
  const ended = await runProcess({
    run: [profile.programs.cli.program],
    cwd: work.folder,
    env: work.env,
    walls: await place.wrap(installed, setup, config.args),
    signal,
    graceMs: timing.graceMs,
    log: (chunk) => transcript.heard(chunk),
    talk: (stdin, stdout) => {
      stdin.end(prompt);
      readJsonLines(stdout, {
        onObject: (line) => {
          for (const activity of profile.read(line)) transcript.take(activity);
        },
        onText: (line) => transcript.heard(`${line}\n`),
      });
    },
  });
  throwIfAborted(signal);
  const { end } = transcript;
  if (end === undefined) throw endedEarly(profile.programs.cli.program, ended, transcript.begun);
  if (!end.ok) throw turnFailed(profile.programs.cli.program, end.says, end.status, walls.models);
};
