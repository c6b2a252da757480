/**
 * Whom a task waits for because both claim a path, and a person's leave for the two to overlap. It is bound to a hash of
 * both tasks, of what they are and what they claim: whoever decides about something else than what is there is refused.
 */
import { createHash } from 'node:crypto';
import type { GrantCommand } from '../../engine/kernel/commands.ts';
import { aheadOf, type GrantRequest, type GrantState, meeting } from '../../engine/kernel/grants.ts';
import type { RunState, TaskRecord } from '../../engine/kernel/state.ts';
import { requestId } from '../../engine/kernel/task.ts';
import { BatonError } from '../../errors.ts';
import type { ClaimAhead } from '../api/shapes.ts';
import type { Body } from './body.ts';
import type { Services } from './services.ts';

type Looking = Pick<Services, 'grants' | 'state'>;

/** Nothing of a task that waits for no claims. */
export function claimsAhead(services: Looking, state: RunState, record: TaskRecord): readonly ClaimAhead[] {
  if (record.claim !== 'asking') return [];
  return ahead(services.grants(), state, record).map(({ request, other, claims }) => ({
    run: other.run,
    task: other.task,
    claims,
    binds: bindingOf(services, request, other),
  }));
}

/** Tasks of which a list says for whom they wait: each is compared with all that ask for claims. */
const TOLD_MAX = 50;

/** The same in a few words, for the tasks of a run by their ids. */
export function waitingTexts({ grants }: Looking, state: RunState): ReadonlyMap<string, string> {
  const asking = [...state.tasks.values()].filter(({ claim }) => claim === 'asking').slice(0, TOLD_MAX);
  const texts = new Map<string, string>();
  if (asking.length === 0) return texts;
  const all = grants();
  for (const record of asking) {
    const [first, ...more] = ahead(all, state, record);
    const others = more.length === 0 ? '' : `, and for ${more.length} more`;
    if (first) texts.set(record.spec.id, `waits for ${first.other.run}/${first.other.task}: both write ${first.claims[0]}${others}`);
  }
  return texts;
}

interface Ahead {
  readonly request: GrantRequest;
  readonly other: GrantRequest;
  readonly claims: readonly [string, string];
}

function ahead(grants: GrantState, { id: run }: RunState, { spec }: TaskRecord): readonly Ahead[] {
  const request = grants.requests.get(requestId(run, spec.id));
  if (!request) return [];
  return aheadOf(grants, request).flatMap((other) => {
    const claims = meeting(request, other);
    return claims ? [{ request, other, claims }] : [];
  });
}

/** @throws BatonError `NO_OVERLAP`, `OVERLAP_STALE`, and as the contracts of the project */
export async function overlapCommand(
  services: Services,
  state: RunState,
  record: TaskRecord,
  { run, task, binds }: Body<'overlapRequest'>,
): Promise<GrantCommand> {
  const grants = services.grants();
  const [request, other] = [requestId(state.id, record.spec.id), requestId(run, task)];
  const [one, two] = [grants.requests.get(request), grants.requests.get(other)];
  if (!one || !two)
    throw new BatonError('NO_OVERLAP', `"${one ? other : request}" neither waits for its claims nor holds any.`, {
      hint: `See whom a task waits for: baton show ${state.id} ${record.spec.id}`,
    });
  if (binds !== bindingOf(services, one, two))
    throw new BatonError('OVERLAP_STALE', `"${request}" and "${other}" are not what you saw.`, {
      hint: `Look again: baton show ${state.id} ${record.spec.id}`,
    });
  const found = await Promise.all([one, two].map(({ run: of }) => services.contracts(services.state(of)?.plan ?? {}, one.claims)));
  return { type: 'grant.share', request, other, binds, contracts: [...new Set(found.flat())], by: services.local };
}

/** The same whoever of the two is asked about. */
function bindingOf({ state }: Looking, one: GrantRequest, other: GrantRequest): string {
  const seen = [one, other]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ run, task, scope, claims }) => [run, task, state(run)?.tasks.get(task)?.spec.work, scope, claims]);
  return createHash('sha256').update(JSON.stringify(seen)).digest('hex');
}
