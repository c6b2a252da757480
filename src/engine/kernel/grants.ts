/**
 * The stream `grants`: what runs share is handed out here, whole and in order.
 *
 * A request names all it needs at once. It is given when nothing it asks for meets what is given to another, nor what
 * an earlier request still waits for: first come, first served, by the fixed key of `order.ts`. So nobody holds one
 * thing while waiting for another, and nobody is overtaken for ever. A grant carries the epoch in which it was given;
 * its holder is told until it acknowledges, and gives it back with the terminal fact of its task. A request that is
 * released while it waits is withdrawn.
 */
import type { GrantCommand, Refusal } from './commands.ts';
import type { FactOf, GrantFact } from './facts.ts';
import { refuse } from './machine.ts';
import { type Owed, type OwedChange, owe } from './owed.ts';

export interface GrantRequest {
  readonly id: string;
  readonly run: string;
  readonly task: string;
  readonly scope: string;
  readonly claims: readonly string[];
  readonly key: number;
  /** Arrival, which decides among equal keys. */
  readonly arrival: number;
  status: 'waiting' | 'given' | 'acknowledged';
  epoch: number;
  owed: readonly Owed[];
}
export interface GrantState {
  seq: number;
  at: number;
  arrivals: number;
  requests: Map<string, GrantRequest>;
}
export const GRANTS = 'grants';
export const newGrants = (): GrantState => ({ seq: 0, at: 0, arrivals: 0, requests: new Map() });

export function decideGrant(state: GrantState, command: GrantCommand): readonly GrantFact[] | Refusal {
  const request = state.requests.get(command.request);
  switch (command.type) {
    case 'grant.request':
      return request ? [] : [{ ...command, type: 'grant.requested' }];
    case 'grant.acknowledge':
      if (!request) return refuse('GRANT_OVER', `no grant "${command.request}"`);
      return request.status === 'given' ? [{ type: 'grant.acknowledged', request: request.id }] : [];
    case 'grant.release':
      return request ? [{ type: 'grant.released', request: request.id }] : [];
    default:
      return command satisfies never;
  }
}

export function evolveGrant(state: GrantState, fact: GrantFact, at: number, change: OwedChange): GrantState {
  state.seq++;
  state.at = at;
  switch (fact.type) {
    case 'grant.requested': {
      const { run, task, scope, claims, key, epoch } = fact;
      state.requests.set(fact.request, {
        id: fact.request,
        run,
        task,
        scope,
        claims,
        key,
        arrival: state.arrivals++,
        status: 'waiting',
        epoch,
        owed: [],
      });
      break;
    }
    case 'grant.given':
      update(state, fact, 'given', change);
      break;
    case 'grant.acknowledged':
      update(state, fact, 'acknowledged', change);
      break;
    case 'grant.released': {
      const request = state.requests.get(fact.request);
      if (request) owe(request, [], change);
      state.requests.delete(fact.request);
      break;
    }
    default:
      fact satisfies never;
  }
  return state;
}

function update(
  state: GrantState,
  fact: FactOf<'grant.given' | 'grant.acknowledged'>,
  status: 'given' | 'acknowledged',
  change: OwedChange,
): void {
  const request = state.requests.get(fact.request);
  if (!request) throw new Error(`no grant request "${fact.request}"`);
  request.status = status;
  if (fact.type === 'grant.given') request.epoch = fact.epoch;
  owe(request, owedByRequest(request), change);
}

/** Requests that can be given now, in order; to be evolved, and asked for again, until there are none. */
export function settleGrants(state: GrantState, epoch: number): GrantFact[] {
  const waiting = [...state.requests.values()].filter((request) => request.status === 'waiting');
  if (waiting.length === 0) return [];
  const taken = [...state.requests.values()].filter((request) => request.status !== 'waiting');
  waiting.sort((a, b) => a.key - b.key || a.arrival - b.arrival);
  const facts: GrantFact[] = [];
  for (const request of waiting) {
    if (!taken.some((other) => meets(request, other))) facts.push({ type: 'grant.given', request: request.id, epoch });
    taken.push(request);
  }
  return facts;
}

export const owedByRequest = (request: GrantRequest): readonly Owed[] =>
  request.status === 'given'
    ? [{ type: 'granted', id: `granted:${request.id}`, request: request.id, run: request.run, task: request.task, epoch: request.epoch }]
    : [];

export const meets = (a: GrantRequest, b: GrantRequest): boolean =>
  a.scope === b.scope && a.claims.some((one) => b.claims.some((other) => globsMeet(one, other)));

/** May two globs name the same path? Errs on the side of yes: `*` in a segment is taken to match any segment. */
export function globsMeet(a: string, b: string): boolean {
  const left = a.split('/');
  const right = b.split('/');
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [l, r] = [left[i] ?? '', right[i] ?? ''];
    if (l === '**' || r === '**') return true;
    if (!isPattern(l) && !isPattern(r) && l !== r) return false;
  }
  return left.length === right.length;
}
const isPattern = (segment: string): boolean => /[*?[\]{}]/.test(segment);
