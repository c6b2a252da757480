/** What became of the latest requests: whoever waits for an agent wants to know that no model answers it. */
import type { Failure, FailureClass } from '../../engine/kernel/plan.ts';

interface Ended {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly said: string;
}

export class Reputation {
  private last: { readonly failure: Failure; readonly requests: number } | undefined;

  add({ status, retryAfter, said }: Ended): void {
    if (status < 400) {
      this.last = undefined;
      return;
    }
    const seconds = Number(retryAfter);
    const failure: Failure = {
      class: classOf(status),
      code: `HTTP_${status}`,
      message: `The provider answered ${status}${said === '' ? '.' : `: ${said}`}`,
      ...(Number.isFinite(seconds) && seconds >= 0 && retryAfter !== undefined ? { retryAfterMs: seconds * 1000 } : {}),
    };
    this.last = { failure, requests: (this.last?.requests ?? 0) + 1 };
  }

  get failing(): { readonly failure: Failure; readonly requests: number } | undefined {
    return this.last;
  }
}

function classOf(status: number): FailureClass {
  if (status === 429) return 'throttled';
  return status >= 500 || status === 408 ? 'transient' : 'permanent';
}
