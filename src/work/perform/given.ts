/** All that a gate is given where it runs, as one hash: what decides whether an earlier green verdict stands for it. */
import type { AttemptContext } from '../../engine/host/host.ts';
import type { OwedOf } from '../../engine/kernel/owed.ts';
import type { Commit, Hash } from '../../engine/kernel/plan.ts';
import { type Check, hashOf, isComparable, RESULT_VARIABLE } from '../gates/reuse.ts';
import type { Definition, GateDefinition } from '../planning/definition.ts';
import { resolvedText } from './definitions.ts';
import { isTouched } from './place.ts';
import { environmentOf, type Home, type Whose } from './surroundings.ts';

export const checkOf = ({ env = {}, ...gate }: GateDefinition): Check => ({
  ...gate,
  env: Object.fromEntries(Object.entries(env).map(([name, template]) => [name, resolvedText(template)])),
});

/** Nothing where no other verdict may stand for its own: without a tree nobody knows what it looked at. */
export async function givenTo(
  home: Home,
  whose: Whose,
  definition: Definition,
  gate: GateDefinition,
  { tree, result }: OwedOf<'gate'>,
  context: Pick<AttemptContext, 'spec' | 'state'>,
): Promise<Hash | undefined> {
  const check = checkOf(gate);
  if (tree === undefined || !isComparable(check)) return undefined;
  const { trees, setup } = home.repositories.of(whose.run);
  const walls = isWalled(definition, tree, context) ? (await home.sandboxes.choose()).name : 'none';
  return hashOf({
    check,
    content: await trees.contentOf(tree),
    env: await environmentOf(home, whose, gate.env, { [RESULT_VARIABLE]: '' }),
    result,
    around: [walls, definition.network ?? [], setup ?? null],
  });
}

/** In a tree that an agent has changed a check runs that agent's code. */
export const isWalled = (definition: Definition, tree: Commit | undefined, context: Pick<AttemptContext, 'spec' | 'state'>): boolean =>
  definition.foreign === true || (tree !== undefined && isTouched(context.state(), context.spec));
