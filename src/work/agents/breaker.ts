/**
 * One circuit breaker: keeps work away from an agent that is evidently not well, and lets it back carefully.
 *
 *   CLOSED ──5 failures in a row, or half of the last 20──► OPEN ──cool-down of 60 s──► HALF_OPEN
 *      ▲                                                     ▲                            │ one probe at a time
 *      └───────────────── 2 probes succeed ──────────────────┼──────── a probe fails ─────┘
 *
 * Time comes in with each call. A probe that was admitted but did not begin within a cool-down, or did not end within ten
 * minutes, gives its place back, so a breaker can't stay open for good.
 */
export interface BreakerRules {
  readonly failuresInRow: number;
  readonly window: number;
  readonly failureRate: number;
  readonly coolDownMs: number;
  readonly successesToClose: number;
  /** A probe that has not ended by then is given up. */
  readonly probeMaxMs: number;
}
export const BREAKER_RULES: BreakerRules = {
  failuresInRow: 5,
  window: 20,
  failureRate: 0.5,
  coolDownMs: 60_000,
  successesToClose: 2,
  probeMaxMs: 600_000,
};

export type BreakerStatus = 'closed' | 'open' | 'half-open';

/** What API, log and metrics show. */
export interface BreakerState {
  readonly status: BreakerStatus;
  readonly failuresInRow: number;
  /** Of the last results, at most `window`. */
  readonly failures: number;
  readonly results: number;
  /** When the cool-down is over, in milliseconds since the epoch. */
  readonly openUntil?: number;
}

/** A result this breaker waits for. */
export interface Ticket {
  readonly probe: boolean;
}

export class Breaker {
  private readonly rules: BreakerRules;
  private readonly results: boolean[] = [];
  private failuresInRow = 0;
  private openUntil: number | undefined;
  private successes = 0;
  private probe: { readonly ticket?: Ticket; readonly until: number } | undefined;

  constructor(rules: BreakerRules = BREAKER_RULES) {
    this.rules = rules;
  }

  state(now: number): BreakerState {
    const failures = this.results.filter((ok) => !ok).length;
    const seen = { failuresInRow: this.failuresInRow, failures, results: this.results.length };
    if (this.openUntil === undefined) return { status: 'closed', ...seen };
    return { status: now < this.openUntil ? 'open' : 'half-open', ...seen, openUntil: this.openUntil };
  }

  /** May somebody start now? While half open this gives away the one place of the probe. */
  admit(now: number): boolean {
    if (this.openUntil === undefined) return true;
    if (now < this.openUntil || this.probing(now)) return false;
    this.probe = { until: now + this.rules.coolDownMs };
    return true;
  }

  /** An attempt begins. Its ticket belongs to exactly one `end`. */
  begin(now: number): Ticket {
    const halfOpen = this.openUntil !== undefined && now >= this.openUntil;
    const ticket: Ticket = { probe: halfOpen && (this.probe?.ticket === undefined || !this.probing(now)) };
    if (ticket.probe) this.probe = { ticket, until: now + this.rules.probeMaxMs };
    return ticket;
  }

  /** How it ended; `none` when the end says nothing about the agent (cancelled, over budget). */
  end(ticket: Ticket, result: 'success' | 'failure' | 'none', now: number): void {
    if (this.openUntil === undefined) this.count(result, now);
    // Whoever began before the breaker opened says nothing about how the agent is now.
    else if (this.probe?.ticket === ticket) this.judge(result, now);
  }

  private judge(result: 'success' | 'failure' | 'none', now: number): void {
    this.probe = undefined;
    if (result === 'failure') this.open(now);
    if (result === 'success') this.successes += 1;
    if (this.successes >= this.rules.successesToClose) this.close();
  }

  private count(result: 'success' | 'failure' | 'none', now: number): void {
    if (result === 'none') return;
    this.failuresInRow = result === 'success' ? 0 : this.failuresInRow + 1;
    this.results.push(result === 'success');
    if (this.results.length > this.rules.window) this.results.shift();
    const { failures, results } = this.state(now);
    const tooMany = results === this.rules.window && failures / results >= this.rules.failureRate;
    if (this.failuresInRow >= this.rules.failuresInRow || tooMany) this.open(now);
  }

  private open(now: number): void {
    this.openUntil = now + this.rules.coolDownMs;
    this.successes = 0;
    this.probe = undefined;
  }

  private close(): void {
    this.openUntil = undefined;
    this.failuresInRow = 0;
    this.successes = 0;
    this.results.length = 0;
  }

  private probing(now: number): boolean {
    return this.probe !== undefined && now < this.probe.until;
  }
}
