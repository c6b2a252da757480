/** The file named in `$BATON_HANDOFF`: written by a program we don't trust, read without following or waiting. */

import { constants, lstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { AttemptError } from '../processes/failure.ts';
import { OUTPUT_MAX } from '../processes/output-pipe.ts';
import type { Checked } from './agent.ts';
import type { JsonSchema } from './json-schema.ts';
import { checkWritten, parseJson } from './written.ts';

/** Undefined when the program wrote none. @throws AttemptError `PAYLOAD_TOO_LARGE` above 32 MiB. */
export const readHandoffFile = async (path: string, schema?: JsonSchema): Promise<Checked | undefined> => {
  const text = await readPlainFile(path);
  if (text === undefined) return undefined;
  if (typeof text !== 'string') return { ok: false, problems: ['$BATON_HANDOFF must be a plain file'] };
  const parsed = parseJson(text);
  return parsed.ok
    ? checkWritten(parsed.value, schema)
    : { ok: false, problems: parsed.problems.map((problem) => `$BATON_HANDOFF: ${problem}`) };
};

const NOT_PLAIN = Symbol('not a plain file');

const readPlainFile = async (path: string): Promise<string | undefined | typeof NOT_PLAIN> => {
  // Most programs write none, and this is on the way of every command: asked without a detour.
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile()) return NOT_PLAIN;
    if (stats.size > OUTPUT_MAX) {
      throw new AttemptError(
        'permanent',
        'PAYLOAD_TOO_LARGE',
        `The handoff has ${stats.size} bytes, more than the ${OUTPUT_MAX} that Baton keeps.`,
        {
          hint: 'Leave large results in files, and name them as artifacts.',
        },
      );
    }
    return await file.readFile('utf8');
  } catch (error) {
    if (error instanceof AttemptError) throw error;
    return NOT_PLAIN;
  }
};
