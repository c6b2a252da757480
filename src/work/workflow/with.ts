/** What a task hands to the workflow it uses, held against the inputs that workflow declares. */
import { hasExpression } from '../expressions/template.ts';
import type { Source } from './document.ts';
import { misfit } from './inputs.ts';
import { didYouMean, type Problem, type ProblemCode } from './problem.ts';
import type { Salvaged } from './salvage.ts';
import type { WorkflowFile } from './schema.ts';

export function withProblems(source: Source, id: string, file: WorkflowFile, used: Salvaged<WorkflowFile> | undefined): Problem[] {
  const task = file.tasks[id];
  if (!task || !used || used.damaged.has('inputs')) return [];
  const given = task.with ?? {};
  const declared = used.value.inputs ?? {};
  const problems: Problem[] = [];
  const say = (code: ProblemCode, message: string, at: { line: number; column: number }) =>
    problems.push({ file: source.file, ...at, code, message });
  for (const [name, value] of Object.entries(given)) {
    const entry = Object.hasOwn(declared, name) ? declared[name] : undefined;
    const path = ['tasks', id, 'with', name];
    if (!entry) say('UNKNOWN_KEY', `${task.uses} has no input "${name}".${didYouMean(name, Object.keys(declared))}`, source.atKey(path));
    else if (!used.damaged.has(`inputs.${name}`) && isPlain(value)) {
      const wrong = misfit(entry, value);
      if (wrong !== undefined) say('WRONG_TYPE', `the input "${name}" of ${task.uses}${wrong}`, source.at(path));
    }
  }
  for (const [name, entry] of Object.entries(declared))
    if (entry.default === undefined && !Object.hasOwn(given, name) && !used.damaged.has(`inputs.${name}`))
      say('MISSING_KEY', `${task.uses} needs the input "${name}"; give it under \`with\``, source.atKey(['tasks', id, 'uses']));
  return problems;
}

/** A value without expressions is known before the run. */
export function isPlain(value: unknown): boolean {
  const open: unknown[] = [value];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    if (typeof each === 'string' && hasExpression(each)) return false;
    if (typeof each === 'object' && each !== null) for (const inner of Object.values(each)) if (inner !== undefined) open.push(inner);
  }
  return true;
}
