/**
 * Whom a task waits for because both claim a path, and a person's leave for the two to overlap. It is bound to a hash of
 * both tasks, of what they are and what they claim: whoever decides about something else than what is there is refused.
 */
import { createHash } from 'node:crypto';
import type { GrantCommand } from '../../engine/kernel/commands.ts';
import { aheadOf, type GrantRequest, meeting } from '../../engine/kernel/grants.ts';
import type { RunState, TaskRecord } from '../../engine/kernel/state.ts';
import { requestId } from '../../engine/kernel/task.ts';
import { BatonError } from '../../errors.ts';
import type { ClaimAhead } from '../api/shapes.ts';
import type { Body } from './body.ts';
import type { Services } from './services.ts';

type Looking = Pick<Services, 'grants' | 'state'>;

/** Nothing of a task that waits for no claims. */
export function claimsAhead(services: Looking, state: RunState, { spec, claim }: TaskRecord): readonly ClaimAhead[] {
  if (claim !== 'asking') return [];
  const grants = services.grants();
  const request = grants.requests.get(requestId(state.id, spec.id));
  if (!request) return [];
  return aheadOf(grants, request).flatMap((other) => {
    const claims = meeting(request, other);
    return claims ? [{ run: other.run, task: other.task, claims, binds: bindingOf(services, request, other) }] : [];
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
  return { type: 'grant.share', request, other, binds, contracts: await services.contracts(one.scope, one.claims), by: services.local };
}

/** The same whoever of the two is asked about. */
function bindingOf({ state }: Looking, one: GrantRequest, other: GrantRequest): string {
  const seen = [one, other]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ run, task, scope, claims }) => [run, task, state(run)?.tasks.get(task)?.spec.work, scope, claims]);
  return createHash('sha256').update(JSON.stringify(seen)).digest('hex');
}
