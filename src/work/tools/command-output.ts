/** What commands printed, as tools hand it on: its end for people and models, a reference to the whole where it is long. */
import type { ExecOutput, Executed, ToolPlace } from './tool.ts';

/** The whole of an output, for a parser. */
export const wholeOf = ({ text, whole }: ExecOutput): string => (whole === undefined ? text : Buffer.from(whole).toString('utf8'));

/** `stdout`, `stderr`, `exitCode`; above 64 KiB a text is its end, beside `stdoutWhole` as `{ sha256, size }`. */
export const outputData = ({ stdout, stderr, exitCode }: Executed, place: Pick<ToolPlace, 'put'>): Record<string, unknown> => ({
  stdout: stdout.text,
  stderr: stderr.text,
  ...(exitCode === undefined ? {} : { exitCode }),
  ...refOf('stdoutWhole', stdout, place),
  ...refOf('stderrWhole', stderr, place),
});

const refOf = (name: string, { whole, size }: ExecOutput, place: Pick<ToolPlace, 'put'>): Record<string, unknown> =>
  whole === undefined ? {} : { [name]: { sha256: place.put(whole), size } };

/** Both streams for a reader, the one that matters last. */
export const outputText = ({ stdout, stderr }: Executed): string =>
  [stdout.text.trimEnd(), stderr.text.trim() === '' ? '' : `stderr:\n${stderr.text.trimEnd()}`].filter((text) => text !== '').join('\n');
