/**
 * A check that was green need not run again where it would be given the same. What it is given is put together here, as
 * one hash: a check with that hash and a green verdict stands for every other one of the run. A check that is given a
 * secret, or says `reuse: false`, looks at more than what could be compared, and is always run.
 */
import { createHash } from 'node:crypto';
import { defined } from '../../defined.ts';
import { greenOf } from '../../engine/kernel/gate.ts';
import type { Commit, Hash } from '../../engine/kernel/plan.ts';
import type { RunState } from '../../engine/kernel/state.ts';
import type { Environment } from '../policy/environment.ts';
import type { SecretText } from '../policy/secrets.ts';
import type { CommandText } from '../processes/command-text.ts';
import type { Judged } from './command-gate.ts';
import type { Evidence, PayloadStore } from './evidence.ts';

export interface Check {
  readonly run: CommandText;
  /** As it is written, with references to secrets. */
  readonly env?: Readonly<Record<string, SecretText>>;
  readonly timeoutMs?: number;
  readonly reuse?: false;
}

export interface Given {
  readonly check: Check;
  /** What the checkout holds. */
  readonly content: string;
  /** All of its environment. */
  readonly env: Environment;
  /** The result it judges, which it is given only if it names it. */
  readonly result: Hash;
  /** Whatever else it finds around it: walls, domains, dependencies. */
  readonly around: unknown;
}

/** The file of the result, in the environment of a check. */
export const RESULT_VARIABLE = 'BATON_RESULT';
/** Variables that say who asks: they count where a check names them. */
const OWN = 'BATON_';

/** May another verdict stand for it? */
export const isComparable = ({ env = {}, reuse }: Check): boolean =>
  reuse !== false && !Object.values(env).some((text) => typeof text !== 'string' && text.parts.some((part) => typeof part !== 'string'));

/** Somebody could not tell by the hash that the result is another one: it is kept from a check that does not name it. */
export const seesResult = (check: Check): boolean => !isComparable(check) || names(check, RESULT_VARIABLE);

export const hashOf = ({ check, content, env, result, around }: Given): Hash => {
  const environment = Object.entries(env)
    .filter(([name]) => !name.startsWith(OWN) || names(check, name))
    .map(([name, value]) => [name, name === RESULT_VARIABLE ? result : value])
    .sort(([one = ''], [two = '']) => (one < two ? -1 : 1));
  const all = [1, content, check.run, check.timeoutMs ?? null, environment, around];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex');
};

const names = ({ run, env = {} }: Check, name: string): boolean => JSON.stringify([run, env]).includes(name);

/** A verdict that rests on an earlier green one; nothing where there is none, or its evidence can't be read any more. */
export function restingOn(
  state: RunState,
  about: { readonly name: string; readonly result: Hash; readonly tree?: Commit; readonly given: Hash },
  blobs: PayloadStore & { get(hash: Hash): Uint8Array | undefined },
): (Judged & { readonly reuses: Hash }) | undefined {
  const before = greenOf(state, about.given);
  const payload = before && blobs.get(before.evidence);
  if (!before || payload === undefined) return undefined;
  const { command, exitCode, stdout, stderr }: Evidence = JSON.parse(Buffer.from(payload).toString('utf8'));
  const evidence: Evidence = defined({
    version: 1,
    gate: about.name,
    result: about.result,
    tree: about.tree,
    given: about.given,
    reuses: before,
    command,
    exitCode,
    stdout,
    stderr,
  });
  return { verdict: 'pass', evidence: blobs.put(JSON.stringify(evidence)), given: about.given, reuses: before.evidence };
}
