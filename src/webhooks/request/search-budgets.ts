// Limits the operations that each tenant's long responses may use when they are searched for secrets, because the search blocks the event
// loop.
import { type Budget, MAX_OPERATIONS } from '../base/recording/find-texts.js';

/** Operations that a tenant's searches may use in a second; 5,000,000 take about 40 ms. Up to the same number can be saved up. */
const PER_SECOND = 5 * MAX_OPERATIONS;
/** Operations that each search may use in any case. Enough for the usual headers, of which `Retry-After` is needed to judge a response. */
const LEAST = 50_000;
const MAX_TENANTS = 10_000;

interface Account {
  left: number;
  /** Time at which `left` was computed. */
  atMs: number;
}

export class SearchBudgets {
  private readonly accounts = new Map<string, Account>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Runs a search with the tenant's remaining operations, at most MAX_OPERATIONS and at least LEAST, and counts what it used. */
  use<T>(tenant: string, search: (budget: Budget) => T): T {
    const account = this.accountOf(tenant);
    const given = Math.max(LEAST, Math.min(MAX_OPERATIONS, account.left));
    const budget = { left: given };
    try {
      return search(budget);
    } finally {
      account.left -= given - Math.max(0, budget.left);
    }
  }

  private accountOf(tenant: string): Account {
    const nowMs = this.now();
    if (this.accounts.size >= MAX_TENANTS) this.accounts.clear();
    const { left, atMs } = this.accounts.get(tenant) ?? { left: PER_SECOND, atMs: nowMs };
    const account = { left: Math.min(PER_SECOND, Math.max(0, left) + ((nowMs - atMs) * PER_SECOND) / 1_000), atMs: nowMs };
    this.accounts.set(tenant, account);
    return account;
  }
}
