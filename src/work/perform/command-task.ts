/** Tasks that are a command: what it printed is the result, unless it wrote a whole handoff. */
import type { AttemptContext } from '../../engine/host/host.ts';
import type { Outcome } from '../../engine/kernel/commands.ts';
import { readHandoffFile } from '../agents/handoff-file.ts';
import { gaveUp, invalidOutput } from '../agents/written.ts';
import type { Definition } from '../planning/definition.ts';
import { defined } from '../processes/defined.ts';
import { runProcess } from '../processes/process.ts';
import { commandContent } from './content.ts';
import { openFolder } from './folders.ts';
import { failed, succeeded } from './outcome.ts';
import { seal } from './seal.ts';
import { environmentOf, folderOf, type Home, placeOf } from './surroundings.ts';

type CommandDefinition = Extract<Definition, { kind: 'command' }>;

export const performCommand = async (home: Home, definition: CommandDefinition, context: AttemptContext): Promise<Outcome> => {
  const whose = { run: context.run, task: context.spec.id, attempt: context.attempt };
  const folder = folderOf(home, whose);
  const store = { blobs: context.blobs, secrets: home.secrets };
  const env = await environmentOf(home, whose, definition.env, { BATON_HANDOFF: folder.handoff });
  await openFolder(folder, { attempt: context.attempt, goesOn: context.feedback.length > 0 });

  const ended = await runProcess({
    run: definition.run,
    cwd: placeOf(home, definition, folder, context.run),
    env,
    signal: context.signal,
    redactor: home.secrets.redactor(),
    log: (chunk, kind) => context.log(chunk, kind),
    ...defined({ timeoutMs: definition.timeoutMs }),
  });
  if (ended.failure !== undefined) return failed({ failure: ended.failure, report: `${ended.stdout.text}\n${ended.stderr.text}` }, store);

  const written = await readHandoffFile(folder.handoff);
  if (written === undefined) return succeeded(commandContent(ended, context.blobs), store);
  if (!written.ok) return failed(invalidOutput(written.problems, 1), store);
  if (written.result.status === 'failed') return failed(gaveUp(written.result), store);
  return succeeded(await seal(written.result, placeOf(home, definition, folder, context.run)), store);
};
