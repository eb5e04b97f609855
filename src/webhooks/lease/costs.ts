// Spaces the costly deliveries of a tenant while other tenants are active, so that most of the event loop is left to them.
import { loopShare } from '../../runtime/loop-share.js';
import { Probes } from './probes.js';

/** A delivery is costly if it takes more than this number of milliseconds of the event loop. Ordinary deliveries take less than one. */
const COSTLY_MS = 4;
/** The maximum part of the event loop for the costly deliveries of one tenant, while other tenants are active. */
const PART = 0.25;
/** The part that those of all tenants may use together. */
const PART_OF_ALL = 0.5;
/** Milliseconds of the event loop that costly deliveries which start together may use in all. A single delivery may take longer. */
const BURST_MS = 20;
/**
 * Characters of a body or an answer that cost a millisecond: to take it from a render process, sign, send, search, compress and record it.
 */
const CHARACTERS_PER_MS = 25_000;
/** Weight of a new cost that is lower than the known cost; a higher cost replaces the known one. */
const FORGET = 0.2;
/** The weight of a single cost that is higher: a pause for garbage, or a busy machine, makes an ordinary delivery look costly once. */
const BELIEVE = 0.1;
/** Number of subscriptions whose cost is remembered. */
const MOST_KNOWN = 10_000;

/** The cost of a delivery until its request. */
export interface Taken {
  /** Milliseconds of the event loop for the query. */
  queryMs: number;
  /** The length of the body. */
  characters: number;
}

interface Cost {
  sendMs: number;
  /** That of the last delivery alone. */
  lastSendMs: number;
  answerMs: number;
  /** Number of deliveries noted: 1 or 2, which stands for more. */
  noted: number;
}

export class Costs {
  private readonly byId = new Map<string, Cost>();
  /** By tenant: when it may start its next costly delivery, by `performance.now()`. */
  private readonly nextAtMs = new Map<string, number>();
  private readonly probes = new Probes();

  constructor(private readonly isAlone: (tenant: string) => boolean = (tenant) => loopShare.isAlone({ party: tenant })) {}

  /**
   * Notes the cost of a delivery before its request. Returns whether it is the first one of the subscription; that is charged for all of
   * its deliveries in progress.
   */
  note(subscriptionId: string, tenant: string, { queryMs, characters }: Taken, nowMs: number): boolean {
    const ms = queryMs + characters / CHARACTERS_PER_MS;
    const known = this.byId.get(subscriptionId);
    if (known) {
      add(known, ms);
      return false;
    }
    if (this.byId.size >= MOST_KNOWN) this.byId.clear();
    this.byId.set(subscriptionId, { sendMs: ms, lastSendMs: ms, answerMs: 0, noted: 1 });
    const isCostly = ms > COSTLY_MS;
    const started = this.probes.learn(subscriptionId, tenant, isCostly);
    if (isCostly) this.charge(tenant, ms * Math.max(1, started), nowMs);
    return true;
  }

  /** Notes the length of an answer with its headers. */
  noteAnswer(subscriptionId: string, characters: number): void {
    const known = this.byId.get(subscriptionId);
    if (!known) return;
    const ms = characters / CHARACTERS_PER_MS;
    known.answerMs = ms > known.answerMs ? ms : lowered(known.answerMs, ms);
  }

  /** Whether a delivery of the subscription has got as far as its request. */
  isKnown(subscriptionId: string): boolean {
    return this.byId.has(subscriptionId);
  }

  /** Whether a delivery of the subscription is known to be costly. */
  isCostly(subscriptionId: string): boolean {
    return this.msOf(subscriptionId) > COSTLY_MS;
  }

  /** Returns how many deliveries of the tenant's subscription may start now. */
  mayStart(subscriptionId: string, tenant: string, nowMs: number): number {
    const known = this.byId.get(subscriptionId);
    const ms = known ? known.sendMs + known.answerMs : 0;
    // Also for a tenant that is alone: what has started holds up the next one that comes.
    if (!known) return this.probes.mayStart(tenant, nowMs);
    if (ms <= COSTLY_MS || this.isAlone(tenant)) return Number.POSITIVE_INFINITY;
    return nowMs < (this.nextAtMs.get(tenant) ?? 0) ? 0 : Math.max(1, Math.floor(BURST_MS / ms));
  }

  /** Notes that a delivery starts. `tenant`: `undefined` while it is unknown. */
  start(subscriptionId: string, tenant: string | undefined, nowMs: number): void {
    const known = this.byId.get(subscriptionId);
    if (!known) this.probes.start(subscriptionId, tenant, nowMs);
    else if (tenant !== undefined && known.sendMs + known.answerMs > COSTLY_MS) this.charge(tenant, known.sendMs + known.answerMs, nowMs);
  }

  /** Notes that a delivery has ended. */
  end(subscriptionId: string): void {
    this.probes.end(subscriptionId);
  }

  /** Returns the milliseconds until a tenant may start its next costly or unknown delivery; `null` when none waits for that. */
  waitMs(nowMs: number): number | null {
    let least = this.probes.waitMs;
    for (const [tenant, atMs] of this.nextAtMs) {
      if (atMs <= nowMs) this.nextAtMs.delete(tenant);
      else if (least === null || atMs - nowMs < least) least = atMs - nowMs;
    }
    return least;
  }

  private charge(tenant: string, ms: number, nowMs: number): void {
    const from = Math.max(nowMs, this.nextAtMs.get(tenant) ?? nowMs);
    this.nextAtMs.set(tenant, from);
    // Some of the tenants may be over their wait already; `waitMs` removes them at each claim.
    this.nextAtMs.set(tenant, from + ms / Math.min(PART, PART_OF_ALL / this.nextAtMs.size));
  }

  private msOf(subscriptionId: string): number {
    const known = this.byId.get(subscriptionId);
    return known ? known.sendMs + known.answerMs : 0;
  }
}

/** Believes a greater cost at the second time, and a smaller one slowly. The first delivery of a process may be slow, so it counts less. */
function add(known: Cost, ms: number): void {
  const twice = Math.min(known.lastSendMs, ms);
  const next = ms > known.sendMs ? known.sendMs + (ms - known.sendMs) * BELIEVE : lowered(known.sendMs, ms);
  known.sendMs = known.noted === 1 ? twice : Math.max(twice, next);
  known.lastSendMs = ms;
  known.noted = 2;
}

const lowered = (known: number, ms: number): number => known + (ms - known) * FORGET;
