/** The rules of routing as a settings file has them: each problem of them with its line and column. */

import { loadRules } from '../planning/route/rules.ts';
import type { Path, Source } from './document.ts';
import type { Problem } from './problem.ts';
import type { SettingsFile } from './schema.ts';

/** @param agents all there are, also those of other files */
export function routingProblems(source: Source, value: SettingsFile, agents: Iterable<string>): Problem[] {
  const loaded = loadRules(value.routing?.rules ?? [], agents);
  if (loaded.ok) return [];
  return loaded.problems.map(({ code, rule, key, item, at, message }) => {
    const path: Path = ['routing', 'rules', rule, ...(key === undefined ? [] : [key]), ...(item === undefined ? [] : [item])];
    const place = key === 'when' ? source.inside(path, at) : source.at(path);
    return { file: source.file, ...place, code, message: `routing rule ${rule + 1}: ${message}` };
  });
}
