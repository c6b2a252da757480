/** `shell.run`: a command of an agent, which runs in the sandbox or not at all. */
import { z } from 'zod';
import { failure } from '../processes/failure.ts';
import { outputData, outputText } from './command-output.ts';
import { folderPath } from './files/path.ts';
import { BUILT_IN } from './names.ts';
import { defineTool, type Tool } from './tool.ts';

/** Limit of one command that names none: 2 min. */
export const SHELL_TIMEOUT_MS = 120_000;
/** The longest a command may ask for: 30 min. */
export const COMMAND_TIMEOUT_MAX_MS = 30 * 60_000;
/** Beyond the limit of a command itself: what it takes to make its walls, and to end it. */
export const COMMAND_OVERHEAD_MS = 30_000;

const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of a variable');
const noNul = (what: string) => z.string().refine((text) => !text.includes('\0'), `${what} can't hold U+0000`);

export const shellRun: Tool = defineTool({
  name: 'shell.run',
  ...BUILT_IN['shell.run'],
  description:
    'Runs a command in the workspace, in a sandbox without network: a text by `bash -euo pipefail -c`, or a list of program and arguments without a shell. Gives its exit code and what it printed. Nothing keeps running after it ends.',
  timeoutMs: COMMAND_TIMEOUT_MAX_MS + COMMAND_OVERHEAD_MS,
  input: z.strictObject({
    command: z
      .union([noNul('a command').min(1), z.array(noNul('an argument')).min(1)])
      .describe('A text for bash, or program and arguments'),
    cwd: folderPath.default('.').describe('Folder in the workspace where it begins'),
    env: z.record(name, noNul('a value')).default({}),
    timeoutMs: z.int().min(1).max(COMMAND_TIMEOUT_MAX_MS).default(SHELL_TIMEOUT_MS).describe('Milliseconds it may take'),
    network: z.array(z.string().min(1)).optional().describe('Domains it needs; only those that the task was given are reached'),
  }),

  async run({ command, cwd, env, timeoutMs, network }, place) {
    const ended = await place.exec(command, { cwd, env, timeoutMs, ...(network === undefined ? {} : { network }) });
    const data = { ...outputData(ended, place), ms: ended.ms };
    const printed = outputText(ended);
    if (ended.failure === undefined) return { ok: true, text: printed === '' ? 'It printed nothing.' : printed, data };
    const { class: why, code, message } = ended.failure;
    // The message has the end of stderr, which stands below it whole.
    const said = code === 'EXIT_CODE' ? `Exit code ${ended.exitCode}.` : message;
    return { ok: false, text: `${said}\n${printed}`.trimEnd(), data, failure: failure(why, code, message) };
  },
});
