/** Tasks that are a tool: is there one of that name, and do the arguments fit as far as they are known before the run? */
import { BUILT_IN, isBuiltIn } from '../tools/names.ts';
import type { Path } from './document.ts';
import { didYouMean, type ProblemCode } from './problem.ts';
import { isPlain } from './with.ts';

/** As the tools say it. */
export type ToolProblems = (
  tool: string,
  value: unknown,
) => readonly {
  readonly path: Path;
  readonly kind: 'unknown' | 'missing' | 'wrong';
  readonly key?: string;
  readonly keys?: readonly string[];
  readonly message: string;
}[];

export function checkTool(
  id: string,
  tool: string,
  given: unknown,
  toolProblems: ToolProblems | undefined,
  say: (code: ProblemCode, message: string, path: Path, key?: boolean) => void,
): void {
  const at = (...rest: Path): Path => ['tasks', id, ...rest];
  if (!isBuiltIn(tool)) {
    const guess = didYouMean(tool, Object.keys(BUILT_IN)) || ` There are ${Object.keys(BUILT_IN).join(', ')}.`;
    say('UNKNOWN_TOOL', `task "${id}" names the tool "${tool.slice(0, 80)}", which Baton does not have.${guess}`, at('tool'));
    return;
  }
  for (const { path, kind, key, keys = [], message } of toolProblems?.(tool, given) ?? []) {
    if (kind === 'unknown')
      say(
        'UNKNOWN_KEY',
        `${tool} has no argument "${key?.slice(0, 80)}".${didYouMean(key ?? '', keys)}`,
        at('with', ...path, key ?? ''),
        true,
      );
    else if (kind === 'missing') say('MISSING_KEY', `${tool} needs \`${path.join('.')}\`; give it under \`with\``, at('tool'));
    // A value with an expression in it is known when the task starts, and checked then.
    else if (isPlain(valueAt(given, path))) say('WRONG_TYPE', `\`${path.join('.')}\` of ${tool}: ${message}`, at('with', ...path));
  }
}

const valueAt = (value: unknown, path: Path): unknown => {
  let at = value;
  for (const step of path) at = typeof at === 'object' && at !== null ? (at as Readonly<Record<string, unknown>>)[step] : undefined;
  return at;
};
