/** Texts and values of a file as templates: what has no expressions in it stays as it is. */
import { hasExpression, template } from '../expressions/template.ts';
import type { Definition, Template, TemplateValue } from '../planning/definition.ts';

/** The key that marks a template among data; no map of a file may have it. */
export const TEMPLATE_KEY = '$template';

export const templates = (env: Readonly<Record<string, string | number | boolean>>): Record<string, Template> =>
  Object.fromEntries(Object.entries(env).map(([key, value]) => [key, template(String(value))]));

export const templateValues = (entries: Readonly<Record<string, unknown>>): Record<string, TemplateValue> =>
  Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, templateValue(value)]));

/** A JSON value with its texts as templates. */
export function templateValue(value: unknown): TemplateValue {
  if (typeof value === 'string') return hasExpression(value) ? { [TEMPLATE_KEY]: template(value) } : value;
  if (Array.isArray(value)) return value.map(templateValue);
  if (typeof value === 'object' && value !== null) return templateValues(value as Record<string, unknown>);
  return value as TemplateValue;
}

const isOpen = (text: Template | undefined): boolean =>
  typeof text === 'object' && text.parts.some((part) => typeof part === 'object' && 'expr' in part);
const anyOpen = (texts: Readonly<Record<string, Template>> | undefined): boolean => Object.values(texts ?? {}).some(isOpen);

function isOpenValue(value: unknown): boolean {
  const open: unknown[] = [value];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    if (typeof each !== 'object' || each === null) continue;
    if (Object.hasOwn(each, TEMPLATE_KEY)) return true;
    for (const inner of Object.values(each)) if (inner !== undefined) open.push(inner);
  }
  return false;
}

/** Does anything of a definition wait for values? */
export function needsResolving(definition: Definition): boolean {
  const { when, env, gates = [], probe } = definition;
  if (when !== undefined || anyOpen(env) || anyOpen(probe?.env) || gates.some((gate) => anyOpen(gate.env))) return true;
  switch (definition.kind) {
    case 'agent':
      return isOpen(definition.prompt) || isOpenValue(definition.inputs);
    case 'function':
    case 'tool':
      return isOpenValue(definition.inputs);
    case 'decision':
      return isOpen(definition.question);
    case 'command':
      return false;
    case 'planner':
      return isOpen(definition.goal);
    // Containers are always resolved.
    case 'foreach':
    case 'until':
    case 'plan':
    case 'uses':
      return true;
    default:
      return definition satisfies never;
  }
}
