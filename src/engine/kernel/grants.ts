/**
 * The stream `grants`: what runs share is handed out here, whole and in order.
 *
 * A request names all it needs at once. It is given when nothing it asks for meets what is given to another, nor what
 * an earlier request still waits for: first come, first served, by the fixed key of `order.ts`. So nobody holds one
 * thing while waiting for another, and nobody is overtaken for ever. A grant carries the epoch in which it was given;
 * its holder is told until it acknowledges, and gives it back with the terminal fact of its task. A request that is
 * released while it waits is withdrawn.
 *
 * A person may let two requests overlap that meet. What is asked for never changes while it is asked for, so the two
 * names are enough: it holds for exactly these two and ends with the first of them. Both claiming a contract by its
 * name is nothing that anybody can allow.
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
  /** Requests that a person lets it overlap with. */
  beside: readonly string[];
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
    case 'grant.share':
      return share(state, command);
    default:
      return command satisfies never;
  }
}

function share(state: GrantState, { request, other, binds, contracts, by }: CommandOf<'grant.share'>): readonly GrantFact[] | Refusal {
  const [one, two] = [state.requests.get(request), state.requests.get(other)];
  if (!one || !two) return refuse('GRANT_OVER', `no grant "${one ? other : request}"`);
  if (one.beside.includes(other)) return [];
  // Of two that meet, one at least waits.
  if (one === two || !meets(one, two)) return refuse('NO_OVERLAP', `"${request}" and "${other}" do not claim a path in common`);
  const contract = contracts.find((path) => one.claims.includes(path) && two.claims.includes(path));
  if (contract !== undefined)
    return refuse('OVERLAP_CONTRACT', `"${request}" and "${other}" both write ${contract}, which is a contract`, {
      hint: 'They take turns. Give the change of the contract to one of them.',
      details: { contract },
    });
  return [{ type: 'grant.shared', request, other, binds, by: by.id }];
}
type CommandOf<T extends GrantCommand['type']> = Extract<GrantCommand, { type: T }>;

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
        beside: [],
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
      for (const id of request?.beside ?? []) {
        const other = state.requests.get(id);
        if (other) other.beside = other.beside.filter((each) => each !== fact.request);
      }
      state.requests.delete(fact.request);
      break;
    }
    case 'grant.shared':
      for (const [id, other] of [
        [fact.request, fact.other],
        [fact.other, fact.request],
      ] as const) {
        const request = requestOf(state, id);
        request.beside = [...request.beside, other];
      }
      break;
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
  const request = requestOf(state, fact.request);
  request.status = status;
  if (fact.type === 'grant.given') request.epoch = fact.epoch;
  owe(request, owedByRequest(request), change);
}

function requestOf(state: GrantState, id: string): GrantRequest {
  const request = state.requests.get(id);
  if (!request) throw new Error(`no grant request "${id}"`);
  return request;
}

/** Requests that can be given now, in order; to be evolved, and asked for again, until there are none. */
export function settleGrants(state: GrantState, epoch: number): GrantFact[] {
  const waiting = [...state.requests.values()].filter((request) => request.status === 'waiting');
  if (waiting.length === 0) return [];
  const taken = [...state.requests.values()].filter((request) => request.status !== 'waiting');
  waiting.sort((a, b) => a.key - b.key || a.arrival - b.arrival);
  const facts: GrantFact[] = [];
  for (const request of waiting) {
    if (!taken.some((other) => holdsBack(request, other))) facts.push({ type: 'grant.given', request: request.id, epoch });
    taken.push(request);
  }
  return facts;
}

/** Those that a waiting request waits for. */
export function aheadOf(state: GrantState, request: GrantRequest): readonly GrantRequest[] {
  if (request.status !== 'waiting') return [];
  const isEarlier = (other: GrantRequest) => other.key < request.key || (other.key === request.key && other.arrival < request.arrival);
  return [...state.requests.values()].filter((other) => (other.status !== 'waiting' || isEarlier(other)) && holdsBack(request, other));
}

const holdsBack = (request: GrantRequest, other: GrantRequest): boolean =>
  other !== request && !request.beside.includes(other.id) && meets(request, other);

export const owedByRequest = (request: GrantRequest): readonly Owed[] =>
  request.status === 'given'
    ? [{ type: 'granted', id: `granted:${request.id}`, request: request.id, run: request.run, task: request.task, epoch: request.epoch }]
    : [];

export const meets = (a: GrantRequest, b: GrantRequest): boolean => meeting(a, b) !== undefined;

/** The first claim of each that meet. */
export function meeting(a: GrantRequest, b: GrantRequest): readonly [string, string] | undefined {
  if (a.scope !== b.scope) return undefined;
  for (const one of a.claims) for (const other of b.claims) if (globsMeet(one, other)) return [one, other];
  return undefined;
}

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
