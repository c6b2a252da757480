/**
 * The Test Anything Protocol, version 13 and 14: for scripts that print it and name no runner we know. What is indented
 * belongs to the subtest whose result follows; a result that had some is a group, and only its tests are counted.
 */
import { Counting, lineIn, type Project, type TestCounts } from './runner.ts';

const RESULT = /^( *)(not )?ok\b(?: +\d+)?(?: +-)? *([^#]*)(?:# *(skip|todo)\b.*)?$/i;
const INDENT = 4;

export const readTap = (text: string, project: Pick<Project, 'inside'>): TestCounts | undefined => {
  if (!/^TAP version 1[34]$/m.test(text) && !/^1\.\.\d+/m.test(text)) return undefined;
  const counting = new Counting(project);
  const lines = text.split('\n');
  /** Depth of the result before: one that stands less deep closes its group. */
  let before = 0;
  let results = 0;
  for (const [index, line] of lines.entries()) {
    const [whole, indent = '', not, name = '', directive] = RESULT.exec(line) ?? [];
    if (whole === undefined) continue;
    const depth = Math.floor(indent.length / INDENT);
    const group = depth < before;
    before = depth;
    results += 1;
    if (group) continue;
    if (directive !== undefined) counting.skip();
    else if (not === undefined) counting.pass();
    else counting.fail(failureAt(lines, index, name.trim()));
  }
  return results === 0 ? undefined : counting.counts;
};

const DETAILS_MAX = 60;

/** What the YAML block after a result says, read as lines: its fields differ from one producer to the next. */
const failureAt = (lines: readonly string[], index: number, name: string) => {
  if (lines[index + 1]?.trim() !== '---') return { name, message: '' };
  const rest = lines.slice(index + 2, index + 2 + DETAILS_MAX);
  const end = rest.findIndex((line) => line.trim() === '...');
  const details = end < 0 ? rest : rest.slice(0, end);
  const field = (key: string): string | undefined => {
    const at = details.findIndex((line) => line.trimStart().startsWith(`${key}:`));
    if (at < 0) return undefined;
    const first = details[at] ?? '';
    const value = first.slice(first.indexOf(':') + 1).trim();
    if (!/^[|>][-+]?$/.test(value)) return value.replace(/^(['"])(.*)\1$/, '$2');
    const margin = first.length - first.trimStart().length;
    const body = details.slice(at + 1);
    const ends = body.findIndex((line) => line.trim() !== '' && line.length - line.trimStart().length <= margin);
    return (ends < 0 ? body : body.slice(0, ends)).map((line) => line.trim()).join('\n');
  };
  const location = field('location') ?? '';
  const [, file] = /^(.*?):\d+(?::\d+)?$/.exec(location) ?? [];
  const stack = field('stack') ?? '';
  return {
    name,
    file,
    line: lineIn(stack, file) ?? lineIn(location, file),
    message: field('error') ?? field('message') ?? details.map((line) => line.trim()).join('\n'),
  };
};
