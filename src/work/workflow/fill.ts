/** Fills values into the templates of a definition. Secrets stay references: whoever starts a process fills them in. */
import { textOf } from '../expressions/template.ts';
import type { Definition, Part, Template, TemplateValue } from '../planning/definition.ts';
import { TEMPLATE_KEY } from './templates.ts';
import { evaluate, type Sight } from './values.ts';

/** The definition with every expression replaced; `when` has been answered, and the scope was for expressions: both are left out. */
export function filled(definition: Definition, sight: Sight): Definition {
  const { when: _when, scope: _scope, env, gates, probe, ...rest } = definition;
  const common = {
    ...(env ? { env: filledAll(env, sight) } : {}),
    ...(gates ? { gates: gates.map((gate) => (gate.env ? { ...gate, env: filledAll(gate.env, sight) } : gate)) } : {}),
    ...(probe ? { probe: probe.env ? { ...probe, env: filledAll(probe.env, sight) } : probe } : {}),
  };
  switch (rest.kind) {
    case 'agent':
      return {
        ...rest,
        ...common,
        prompt: filledText(rest.prompt, sight),
        ...(rest.inputs ? { inputs: filledValues(rest.inputs, sight) } : {}),
      };
    case 'function':
    case 'tool':
      return { ...rest, ...common, ...(rest.inputs ? { inputs: filledValues(rest.inputs, sight) } : {}) };
    case 'decision':
      return { ...rest, ...common, question: filledText(rest.question, sight) };
    case 'planner':
      return { ...rest, ...common, goal: filledText(rest.goal, sight) };
    case 'command':
      return { ...rest, ...common };
    case 'foreach':
    case 'until':
    case 'plan':
    case 'uses':
      throw new Error(`A container is not filled in, it makes children: ${rest.kind}`);
    default:
      return rest satisfies never;
  }
}

const filledAll = (env: Readonly<Record<string, Template>>, sight: Sight): Record<string, Template> =>
  Object.fromEntries(Object.entries(env).map(([name, text]) => [name, filledText(text, sight)]));

function filledText(text: Template, sight: Sight): Template {
  if (typeof text === 'string') return text;
  const parts = text.parts.map((part): Part => (typeof part === 'object' && 'expr' in part ? textOf(evaluate(part.expr, sight)) : part));
  return parts.every((part) => typeof part === 'string') ? parts.join('') : { parts };
}

export const filledValues = (values: Readonly<Record<string, TemplateValue>>, sight: Sight): Record<string, TemplateValue> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, filledValue(value, sight) as TemplateValue]));

/** A value that is one whole expression keeps its type. What an expression gave is data and is never looked into. */
export function filledValue(value: TemplateValue, sight: Sight): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each: TemplateValue) => filledValue(each, sight));
  if (!Object.hasOwn(value, TEMPLATE_KEY)) return filledValues(value as Readonly<Record<string, TemplateValue>>, sight);
  const { [TEMPLATE_KEY]: text } = value as { readonly [TEMPLATE_KEY]: Template };
  const only = typeof text === 'object' && text.parts.length === 1 ? text.parts[0] : undefined;
  return typeof only === 'object' && 'expr' in only ? evaluate(only.expr, sight) : filledText(text, sight);
}
