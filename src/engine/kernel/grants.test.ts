// req K18
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { GrantCommand } from './commands.ts';
import { aheadOf, decideGrant, evolveGrant, type GrantState, globsMeet, newGrants, settleGrants } from './grants.ts';
import type { Owed } from './owed.ts';

class Grants {
  readonly state: GrantState = newGrants();
  private readonly owed = new Map<string, Owed>();

  ask(command: GrantCommand): string[] {
    const decided = decideGrant(this.state, command);
    if (!Array.isArray(decided)) return [(decided as { code: string }).code];
    const types: string[] = [];
    for (let facts = decided; facts.length > 0; facts = settleGrants(this.state, 7))
      for (const fact of facts) {
        types.push(`${fact.type} ${fact.request}`);
        const change = { added: [] as Owed[], removed: [] as Owed[] };
        evolveGrant(this.state, fact, 1, change);
        for (const { id } of change.removed) this.owed.delete(id);
        for (const owed of change.added) this.owed.set(owed.id, owed);
      }
    return types;
  }
  request(request: string, claims: readonly string[], key = 0, scope = 's'): string[] {
    return this.ask({ type: 'grant.request', request, run: 'r', task: request, scope, claims, key, epoch: 1 });
  }
  release(request: string): string[] {
    return this.ask({ type: 'grant.release', request });
  }
  tells(): string[] {
    return [...this.owed.keys()];
  }
}

describe('a request', () => {
  it('is given at once when nothing it asks for is taken, and told until it is acknowledged', () => {
    const grants = new Grants();
    expect(grants.request('a', ['src/**'])).toEqual(['grant.requested a', 'grant.given a']);
    expect(grants.state.requests.get('a')).toMatchObject({ status: 'given', epoch: 7 });
    expect(grants.tells()).toEqual(['granted:a']);
    expect(grants.ask({ type: 'grant.acknowledge', request: 'a' })).toEqual(['grant.acknowledged a']);
    expect(grants.tells()).toEqual([]);
    expect(grants.ask({ type: 'grant.acknowledge', request: 'a' })).toEqual([]);
    expect(grants.request('a', ['src/**'])).toEqual([]);
  });
  it('waits for what is taken, acknowledged or not, and follows when that is given back', () => {
    const grants = new Grants();
    grants.request('a', ['src/**']);
    expect(grants.request('b', ['docs/**', 'src/x.ts'])).toEqual(['grant.requested b']);
    grants.ask({ type: 'grant.acknowledge', request: 'a' });
    expect(grants.request('c', ['README.md'])).toEqual(['grant.requested c', 'grant.given c']);
    expect(grants.request('d', ['src/**'], 0, 'elsewhere')).toEqual(['grant.requested d', 'grant.given d']);
    expect(grants.release('a')).toEqual(['grant.released a', 'grant.given b']);
    expect(grants.release('a')).toEqual([]);
    expect(grants.ask({ type: 'grant.acknowledge', request: 'a' })).toEqual(['GRANT_OVER']);
  });
  it('is not overtaken by a later one that meets it, and steps aside for one that does not', () => {
    const grants = new Grants();
    grants.request('a', ['src/a.ts']);
    grants.request('b', ['src/**']);
    expect(grants.request('c', ['src/c.ts'])).toEqual(['grant.requested c']);
    expect(grants.request('d', ['docs/**'])).toEqual(['grant.requested d', 'grant.given d']);
    expect(grants.release('b')).toEqual(['grant.released b', 'grant.given c']);
  });
  it('comes before others by its key, then by its arrival', () => {
    const grants = new Grants();
    grants.request('a', ['x']);
    grants.request('late', ['x'], 5);
    grants.request('first', ['x'], 1);
    grants.request('second', ['x'], 1);
    expect(grants.release('a')).toEqual(['grant.released a', 'grant.given first']);
    expect(grants.release('first')).toEqual(['grant.released first', 'grant.given second']);
    expect(grants.release('second')).toEqual(['grant.released second', 'grant.given late']);
  });
});

// req W9
describe('two requests that a person lets overlap', () => {
  const ANN = { id: 'ann', roles: [] };
  const share = (grants: Grants, request: string, other: string, contracts: readonly string[] = []) =>
    grants.ask({ type: 'grant.share', request, other, binds: 'what ann saw', contracts, by: ANN });
  const waiting = (grants: Grants, id: string) => {
    const request = grants.state.requests.get(id);
    return request && aheadOf(grants.state, request).map((other) => other.id);
  };

  it('are both given, and nobody else is by it', () => {
    const grants = new Grants();
    grants.request('a', ['src/**']);
    grants.request('b', ['src/x.ts']);
    grants.request('c', ['src/x.ts']);
    expect([waiting(grants, 'a'), waiting(grants, 'b'), waiting(grants, 'c')]).toEqual([[], ['a'], ['a', 'b']]);
    expect(share(grants, 'b', 'a')).toEqual(['grant.shared b', 'grant.given b']);
    expect(waiting(grants, 'c')).toEqual(['a', 'b']);
    expect(share(grants, 'c', 'a')).toEqual(['grant.shared c']);
    expect(waiting(grants, 'c')).toEqual(['b']);
    expect(share(grants, 'b', 'a')).toEqual([]);
  });
  it('are these two and no later ones of the same name', () => {
    const grants = new Grants();
    grants.request('a', ['x']);
    grants.request('b', ['x']);
    share(grants, 'a', 'b');
    grants.release('a');
    expect(grants.state.requests.get('b')?.beside).toEqual([]);
    expect(grants.request('a', ['x'])).toEqual(['grant.requested a']);
    expect(grants.release('b')).toEqual(['grant.released b', 'grant.given a']);
  });
  it('must wait for each other, be there, and not be one', () => {
    const grants = new Grants();
    grants.request('a', ['src/**']);
    grants.request('b', ['docs/**']);
    grants.request('c', ['src/**'], 0, 'elsewhere');
    expect([share(grants, 'a', 'b'), share(grants, 'a', 'c'), share(grants, 'a', 'a'), share(grants, 'a', 'gone')]).toEqual([
      ['NO_OVERLAP'],
      ['NO_OVERLAP'],
      ['NO_OVERLAP'],
      ['GRANT_OVER'],
    ]);
  });
  it('may not both claim a contract by its name', () => {
    const grants = new Grants();
    grants.request('a', ['src/**', 'api.yaml']);
    grants.request('b', ['api.yaml', 'README.md']);
    grants.request('c', ['src/**']);
    expect(share(grants, 'b', 'a', ['api.yaml'])).toEqual(['OVERLAP_CONTRACT']);
    expect(share(grants, 'c', 'a', ['api.yaml'])).toEqual(['grant.shared c', 'grant.given c']);
    expect(share(grants, 'b', 'a', ['other.yaml'])).toEqual(['grant.shared b', 'grant.given b']);
  });
});

describe('globs', () => {
  it.each([
    ['src/**', 'src/a/b.ts', true],
    ['src/a.ts', 'src/a.ts', true],
    ['src/a.ts', 'src/b.ts', false],
    ['src/*', 'src/a/b', false],
    ['src/*.ts', 'src/*.js', true],
    ['**', 'anything/at/all', true],
    ['src/**/x', 'src/y', true],
    ['a/*/c', 'a/b/d', false],
    ['a', 'a/b', false],
  ])('%s and %s meet: %s', (a, b, meet) => {
    expect([globsMeet(a, b), globsMeet(b, a)]).toEqual([meet, meet]);
  });

  test('that name one path always meet', () => {
    const segment = fc.constantFrom('a', 'b', '*', '**', '?');
    const glob = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const path = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const names = (one: string, it: string) =>
      new RegExp(
        `^${one
          .split('/')
          .map((part) => (part === '**' ? '(?:[^/]+/)*[^/]*' : part.replace('*', '[^/]*').replace('?', '[^/]')))
          .join('/')}$`,
      ).test(it);
    fc.assert(
      fc.property(glob, glob, path, (a, b, it) => !(names(a, it) && names(b, it)) || globsMeet(a, b)),
      { numRuns: 5_000 },
    );
  });
});
