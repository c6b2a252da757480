/** Tasks that are a command: what it printed is the result, unless it wrote a whole handoff. */

import { defined } from '../../defined.ts';
import type { AttemptContext } from '../../engine/host/host.ts';
import type { Outcome } from '../../engine/kernel/commands.ts';
import { readHandoffFile } from '../agents/handoff-file.ts';
import { gaveUp, invalidOutput } from '../agents/written.ts';
import type { Definition } from '../planning/definition.ts';
import type { Environment } from '../policy/environment.ts';
import { runProcess } from '../processes/process.ts';
import { withChange } from './change.ts';
import { commandContent } from './content.ts';
import { failed, succeeded } from './outcome.ts';
import { goesOn, openPlace, type Place } from './place.ts';
import { seal } from './seal.ts';
import { environmentOf, type Home } from './surroundings.ts';

type CommandDefinition = Extract<Definition, { kind: 'command' }>;

export const performCommand = async (home: Home, definition: CommandDefinition, context: AttemptContext): Promise<Outcome> => {
  const whose = { run: context.run, task: context.spec.id, attempt: context.attempt };
  const { base, signal } = context;
  // A secret that is missing is found before anything is made.
  const env = await environmentOf(home, whose, definition.env);
  const place = await openPlace(home, whose, {
    definition,
    ...(base === undefined ? {} : { tree: base }),
    goesOn: goesOn(context),
    walled: definition.foreign === true || (base !== undefined && context.state().tree?.touched === true),
    signal,
  });
  try {
    return await withChange(place, context, () => run(home, definition, env, context, place));
  } finally {
    await place.close();
  }
};

const run = async (
  home: Home,
  definition: CommandDefinition,
  env: Environment,
  context: AttemptContext,
  place: Place,
): Promise<Outcome> => {
  const store = { blobs: context.blobs, secrets: home.secrets };
  const ended = await runProcess(
    await place.command({
      run: definition.run,
      env: { ...env, BATON_HANDOFF: place.files.handoff },
      signal: context.signal,
      redactor: home.secrets.redactor(),
      log: (chunk, kind) => context.log(chunk, kind),
      ...defined({ timeoutMs: definition.timeoutMs }),
    }),
  );
  if (ended.failure !== undefined) return failed({ failure: ended.failure, report: `${ended.stdout.text}\n${ended.stderr.text}` }, store);

  const written = await readHandoffFile(place.exchange.handoff);
  if (written === undefined) return succeeded(commandContent(ended, context.blobs), store);
  if (!written.ok) return failed(invalidOutput(written.problems, 1), store);
  if (written.result.status === 'failed') return failed(gaveUp(written.result), store);
  return succeeded(await seal(written.result, place.real), store);
};
