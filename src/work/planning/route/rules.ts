/**
 * Rules of routing: a condition in CEL over the fields of a task, and whom that task then goes to. The one with the highest
 * priority whose condition holds decides alone; of equal ones the first. `require`: one of these or nobody. `prefer`: one of
 * these where they can do it. `avoid`: one of these only where nobody else can.
 */
import { BatonError } from '../../../errors.ts';
import { didYouMean } from '../../../near.ts';
import { checkTypes, type Expression, environment, parseExpression } from '../../expressions/cel.ts';
import { toCel } from '../../expressions/json.ts';
import { sizeOf } from './figures.ts';
import type { RouteTask, Ruling } from './routing.ts';

export interface RouteRule {
  /** CEL over `task`: a boolean. */
  readonly when: string;
  readonly prefer?: string | readonly string[] | undefined;
  readonly require?: string | readonly string[] | undefined;
  readonly avoid?: string | readonly string[] | undefined;
  /** Higher is asked earlier. Default 0. */
  readonly priority?: number | undefined;
}

export interface RuleProblem {
  readonly code: 'EXPRESSION_SYNTAX' | 'EXPRESSION_TYPE' | 'EXPRESSION_UNKNOWN_NAME' | 'UNKNOWN_AGENT' | 'MISSING_KEY' | 'SEVERAL_KINDS';
  /** Position in the list. */
  readonly rule: number;
  readonly key?: 'when' | Ruling['verb'];
  /** Which of the agents, where it names several in a list. */
  readonly item?: number;
  /** Offset in that text. */
  readonly at: number;
  readonly message: string;
}

/** A rule that can never apply, because `by` always decides before it. Both are positions in the list. */
export interface Shadowed {
  readonly rule: number;
  readonly by: number;
  readonly message: string;
}

export interface Rules {
  match(task: RouteTask): Ruling | undefined;
  readonly shadowed: readonly Shadowed[];
}
export type RulesResult = { readonly ok: true; readonly rules: Rules } | { readonly ok: false; readonly problems: readonly RuleProblem[] };

const VERBS: readonly Ruling['verb'][] = ['prefer', 'require', 'avoid'];
const PROBLEM_CODES = { syntax: 'EXPRESSION_SYNTAX', type: 'EXPRESSION_TYPE', 'unknown-name': 'EXPRESSION_UNKNOWN_NAME' } as const;

/** What a condition sees; each has a value for every task, so none needs `has()`. */
const FIELDS = {
  id: 'string',
  kind: 'string',
  title: 'string',
  text: 'string',
  capability: 'string',
  agent: 'string',
  size: 'int',
  needs: 'list<string>',
  labels: 'list<string>',
  contextTokens: 'int',
  writes: 'list<string>',
  outputs: 'list<string>',
  covers: 'list<string>',
  network: 'list<string>',
  approval: 'string',
  irreversible: 'bool',
  timeoutMs: 'int',
  budgetUsd: 'double',
} as const;

const fieldsOf = (task: RouteTask) => ({
  id: task.id,
  kind: task.kind ?? 'agent',
  title: task.title ?? '',
  text: task.text ?? '',
  capability: task.capability ?? '',
  agent: task.agent ?? '',
  size: toCel(sizeOf(task)),
  needs: task.needs,
  labels: task.labels ?? [],
  contextTokens: toCel(Math.round(task.contextTokens ?? 0)),
  writes: task.writes ?? [],
  outputs: task.outputs ?? [],
  covers: task.covers ?? [],
  network: task.network ?? [],
  approval: task.approval ?? '',
  irreversible: task.irreversible ?? false,
  timeoutMs: toCel(Math.round(task.timeoutMs ?? 0)),
  budgetUsd: task.budgetUsd ?? 0,
});

interface LoadedRule extends Ruling {
  readonly position: number;
  readonly condition: Expression;
}

/** Every problem of all rules at once. @param agents names of those there are */
export function loadRules(rules: readonly RouteRule[], agents: Iterable<string>): RulesResult {
  const known = new Set(agents);
  const problems = rules.flatMap((rule, position) => [...conditionProblems(rule, position), ...agentProblems(rule, position, known)]);
  if (problems.length > 0) return { ok: false, problems };
  const loaded = rules
    .map((rule, position) => ({ priority: rule.priority ?? 0, rule: loadedRule(rule, position) }))
    .sort((a, b) => b.priority - a.priority || a.rule.position - b.rule.position)
    .map(({ rule }) => rule);
  return { ok: true, rules: { match: (task) => firstThatHolds(loaded, task), shadowed: shadowedOf(loaded) } };
}

/** @throws BatonError `ROUTE_RULE_FAILED` for a condition that can't be told of this task */
function firstThatHolds(rules: readonly LoadedRule[], task: RouteTask): Ruling | undefined {
  if (rules.length === 0) return undefined;
  const context = { task: fieldsOf(task) };
  return rules.find(({ condition }) => {
    try {
      return condition.evaluate(context) === true;
    } catch (cause) {
      const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
      throw new BatonError('ROUTE_RULE_FAILED', `The routing rule \`${condition.text}\` can't be told of the task "${task.id}": ${why}`, {
        where: task.id,
        hint: 'Ask first whether a list has what you read: `size(task.labels) > 0 && …`.',
        cause,
      });
    }
  });
}

function conditionProblems({ when }: RouteRule, rule: number): RuleProblem[] {
  const parsed = parseExpression(when);
  const wrong = (code: RuleProblem['code'], at: number, message: string): RuleProblem[] => [{ code, rule, key: 'when', at, message }];
  if (!parsed.ok) return wrong(PROBLEM_CODES[parsed.problem.kind], parsed.problem.at, parsed.problem.message);
  const type = checkTypes(when, fields());
  if (typeof type !== 'string') return wrong(PROBLEM_CODES[type.kind], type.at, type.message);
  return type === 'bool' ? [] : wrong('EXPRESSION_TYPE', 0, `a condition must be true or false, and this is ${type}`);
}
let known: ReturnType<typeof environment> | undefined;
const fields = () => {
  known ??= environment({ task: FIELDS });
  return known;
};

function agentProblems(each: RouteRule, rule: number, agents: ReadonlySet<string>): RuleProblem[] {
  const verbs = VERBS.filter((verb) => each[verb] !== undefined);
  const [key, second] = verbs;
  if (key === undefined) return [{ code: 'MISSING_KEY', rule, at: 0, message: `a rule needs one of ${VERBS.join(', ')}` }];
  if (second !== undefined)
    return [
      {
        code: 'SEVERAL_KINDS',
        rule,
        key: second,
        at: 0,
        message: `a rule says one of ${VERBS.join(', ')}, and this says ${verbs.join(' and ')}`,
      },
    ];
  const named = namesOf(each[key]);
  if (named.length === 0) return [{ code: 'MISSING_KEY', rule, key, at: 0, message: `\`${key}\` names no agent` }];
  return named
    .map((name, item) => ({ name, ...(typeof each[key] === 'string' ? {} : { item }) }))
    .filter(({ name }) => !agents.has(name))
    .map(({ name, ...place }) => {
      const meant = didYouMean(name, agents);
      const guess = meant === undefined ? '' : ` Did you mean "${meant}"?`;
      return {
        code: 'UNKNOWN_AGENT',
        rule,
        key,
        ...place,
        at: 0,
        message: `the rule names the agent "${name}", which nobody defines.${guess}`,
      };
    });
}

function loadedRule(rule: RouteRule, position: number): LoadedRule {
  const parsed = parseExpression(rule.when);
  const verb = VERBS.find((each) => rule[each] !== undefined);
  if (!parsed.ok || verb === undefined) throw new Error(`rule ${position} was checked`);
  return { position, condition: parsed.expression, verb, agents: namesOf(rule[verb]), when: rule.when };
}

/** A rule that comes after one that says the same, or after one that always holds. */
function shadowedOf(rules: readonly LoadedRule[]): Shadowed[] {
  const first = new Map<string, LoadedRule>();
  let always: LoadedRule | undefined;
  const shadowed: Shadowed[] = [];
  for (const rule of rules) {
    const text = bare(rule.when);
    const before = always ?? first.get(text);
    if (before)
      shadowed.push({
        rule: rule.position,
        by: before.position,
        message: `rule ${rule.position + 1} (\`${rule.when}\`) can never apply: rule ${before.position + 1} (\`${before.when}\`) always decides before it`,
      });
    first.set(text, first.get(text) ?? rule);
    if (rule.condition.references.length === 0 && !before && rule.condition.evaluate({}) === true) always = rule;
  }
  return shadowed;
}

/** A condition without the spaces that mean nothing: those outside of texts. */
const bare = (when: string): string =>
  when
    .split(/("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')/)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/\s*([^\w\s])\s*/g, '$1').replace(/\s+/g, ' ')))
    .join('')
    .trim();
const namesOf = (names: string | readonly string[] | undefined): readonly string[] =>
  names === undefined ? [] : typeof names === 'string' ? [names] : names;
