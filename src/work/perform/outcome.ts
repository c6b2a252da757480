/** Outcomes as the kernel takes them: failures redacted, with their whole story in a blob. */
import type { Blobs } from '../../engine/host/host.ts';
import type { Outcome } from '../../engine/kernel/commands.ts';
import type { Failure } from '../../engine/kernel/plan.ts';
import type { AgentOutcome } from '../agents/agent.ts';
import type { HandoffContent } from '../planning/definition.ts';
import type { Secrets } from '../policy/secrets.ts';
import { failureOf, reportOf } from '../processes/failure.ts';
import { putContent } from './content.ts';

interface Store {
  readonly blobs: Pick<Blobs, 'put'>;
  readonly secrets: Pick<Secrets, 'redactor'>;
}

export const succeeded = (content: HandoffContent, { blobs, secrets }: Store): Outcome => ({
  ok: true,
  result: putContent(secrets.redactor().value(content), blobs),
});

export const failed = (
  { failure, report }: Pick<Extract<AgentOutcome, { ok: false }>, 'failure' | 'report'>,
  { blobs, secrets }: Store,
): Outcome => {
  const redactor = secrets.redactor();
  const redacted: Failure = { ...failure, message: redactor.text(failure.message) };
  return {
    ok: false,
    failure: report === undefined || report.trim() === '' ? redacted : { ...redacted, report: blobs.put(redactor.text(report)) },
  };
};

/** The outcome of whatever was thrown, by its type. */
export const failedBy = (error: unknown, store: Store): Outcome => failed({ failure: failureOf(error), report: reportOf(error) }, store);
