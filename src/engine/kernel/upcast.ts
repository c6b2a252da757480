/**
 * Lifts facts that an earlier release stored to the current shape of their kind. A fact is stored with its version;
 * when a kind's shape changes, its version in `FACTS` grows by one and a function that lifts the old shape joins the table.
 */
import { FACTS, type Fact, type FactType } from './facts.ts';

type Stored = Readonly<Record<string, unknown>>;
/** By kind and the version it lifts from. */
const LIFTS: { readonly [kind: string]: { readonly [from: number]: (fact: Stored) => Stored } } = {};

export const isFactType = (type: string): type is FactType => Object.hasOwn(FACTS, type);

/** The fact in its current shape, or undefined when the kind or version is newer than this release. */
export function upcast(type: string, version: number, body: Stored): Fact | undefined {
  if (!isFactType(type) || version > FACTS[type].version) return undefined;
  let fact = body;
  for (let from = version; from < FACTS[type].version; from++) {
    const lift = LIFTS[type]?.[from];
    if (!lift) throw new Error(`no lift for ${type} from version ${from}`);
    fact = lift(fact);
  }
  return fact as unknown as Fact;
}
