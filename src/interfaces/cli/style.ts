/** Colours, where they are wanted: `--no-color` and `NO_COLOR` win over `FORCE_COLOR`, which wins over what the stream is. */
export type Tone = 'good' | 'bad' | 'wait' | 'live' | 'dim' | 'bold';
export type Paint = (tone: Tone, text: string) => string;

const CODES: Readonly<Record<Tone, readonly [number, number]>> = {
  good: [32, 39],
  bad: [31, 39],
  wait: [33, 39],
  live: [36, 39],
  dim: [2, 22],
  bold: [1, 22],
};

export const plain: Paint = (_tone, text) => text;
export const coloured: Paint = (tone, text) => (text === '' ? '' : `\x1b[${CODES[tone][0]}m${text}\x1b[${CODES[tone][1]}m`);

export function wantsColour(
  env: Readonly<Record<string, string | undefined>>,
  { flag, terminal }: { readonly flag?: boolean; readonly terminal: boolean },
): boolean {
  if (flag === false || (env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (flag === true || (forced !== undefined && forced !== '0' && forced !== 'false')) return true;
  return terminal && forced === undefined && env['TERM'] !== 'dumb';
}
