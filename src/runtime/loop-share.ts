// Shares the time of the event loop among parties, such as tenants: measures the time that each party uses, and lets the party that used
// the least go first.
import { NoSlotError } from './fair-share.js';
import { type Account, type Piece, WaitingPieces } from './waiting-pieces.js';

export type { Account } from './waiting-pieces.js';

/** A piece of work that took long. */
export interface LongPiece {
  what: string;
  /** `null` for work of no party, such as claiming deliveries of many tenants. */
  party: string | null;
  ms: number;
  endedAtMs: number;
}

/** Milliseconds of work per iteration of the loop. Between two iterations, the loop reads what has arrived. */
const SLICE_MS = 4;
/** Maximum time in milliseconds that a request to the API waits for the turn of its organization. */
export const REQUEST_WAIT_MS = 10_000;
/** Milliseconds after which half of the used time is forgotten. */
const HALF_LIFE_MS = 1_000;
/** A party counts as active for this number of milliseconds after it used the loop. */
const ACTIVE_MS = 1_000;
/** Pieces that take more milliseconds than this are remembered for the log. */
const LONG_MS = 20;
/** Number of known parties from which on parties are forgotten that have used less than a millisecond. */
const MANY = 1_000;

interface Party {
  usedMs: number;
  /** Time at which `usedMs` was computed. */
  atMs: number;
  waiting: WaitingPieces;
}

export class LoopShare {
  private readonly parties = new Map<string, Party>();
  private opened = 0;
  /** Number of waiting pieces. */
  private waiting = 0;
  private isPumping = false;
  private sliceEndsMs = 0;
  private isInSlice = false;
  private current: Account | null = null;
  private sinceMs = 0;
  private isEnding = false;
  private longest: LongPiece | null = null;
  /** Milliseconds that all parties have used. */
  private usedMs = 0;
  /** The party that used the loop last; `otherAtMs` is the time at which another party last used it. */
  private lastParty = '';
  private otherAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly now: () => number = () => performance.now()) {}

  open(party: string, what: string, maxWaitMs = Number.POSITIVE_INFINITY): Account {
    this.opened += 1;
    return { number: this.opened, party, what, ms: 0, done: 0, waitedMs: 0, maxWaitMs, isOver: false, mustEnd: false };
  }

  /**
   * Returns `undefined` if the account's party may continue at once, else a promise that resolves when it is the party's turn. From then
   * on, the loop's time counts for the account, until another piece begins or all microtasks have run.
   * @throws NoSlotError (as a rejection) when the piece has waited for more than `maxWaitMs`
   */
  turn(account: Account, weight = 1): Promise<void> | undefined {
    if (this.waiting > 0 || account.isOver || !this.isInTime()) return this.later(account, weight);
    account.done += weight;
    this.enter(account);
    return undefined;
  }

  /**
   * Like `turn`, but continues at once if no other party waits or has used the loop in the last second. For pieces that are always short.
   * Waiting pieces of the same party don't count. If they did, one waiting piece would make all later ones wait, too.
   */
  turnBesideOthers(account: Account, weight = 1): Promise<void> | undefined {
    if (!account.isOver && this.isAlone(account) && this.waiting === this.party(account.party).waiting.size) {
      account.done += weight;
      this.enter(account);
      return undefined;
    }
    return this.turn(account, weight);
  }

  /** Whether no other party has used the loop, or was seen, in the last second. */
  isAlone({ party }: Pick<Account, 'party'>): boolean {
    return party === this.lastParty && this.now() - this.otherAtMs > ACTIVE_MS;
  }

  /** Notes that a party is active whose work isn't measured, so that long work of others runs in pieces. */
  see(party: string): void {
    if (party !== this.lastParty) this.follow(party, this.now());
  }

  private follow(party: string, nowMs: number): void {
    // The first party isn't alone at once, because others may be about to come.
    this.otherAtMs = nowMs;
    this.lastParty = party;
  }

  /** Like `turn`, but always waits: for a piece that must not run directly after the piece before it. */
  later(account: Account, weight = 1): Promise<void> {
    const sinceMs = this.now();
    const usedMs = account.ms + (this.current === account ? sinceMs - this.sinceMs : 0);
    return new Promise((resolve, reject) => {
      this.party(account.party).waiting.add({ account, weight, sinceMs, usedMs, go: resolve, refuse: reject });
      this.waiting += 1;
      if (!this.isPumping) void this.pump();
    });
  }

  /** Begins to count the loop's time for the account. */
  enter(account: Account): void {
    const nowMs = this.now();
    this.settle(nowMs);
    this.current = account;
    this.sinceMs = nowMs;
    if (account.party !== this.lastParty) this.follow(account.party, nowMs);
    if (this.isEnding) return;
    this.isEnding = true;
    // Ends the count when no microtask is left, so that the continuations of promises that this piece resolved are included.
    process.nextTick(this.end);
  }

  /** Runs a function, and counts its time for a party. */
  measure<T>(party: string, what: string, work: () => T): T {
    const before = this.current;
    this.enter(this.open(party, what));
    try {
      return work();
    } finally {
      if (before) this.enter(before);
      else this.settle(this.now());
    }
  }

  /** Runs a function that doesn't work for a single party, and remembers its time for the log. No party's use includes this time. */
  note<T>(what: string, work: () => T): T {
    const before = this.current;
    const sinceMs = this.now();
    this.settle(sinceMs);
    const usedMs = this.usedMs;
    try {
      return work();
    } finally {
      const nowMs = this.now();
      this.settle(nowMs);
      // Subtracts the time of the parties' pieces inside the function, which are remembered separately.
      this.remember({ what, party: null, ms: nowMs - sinceMs - (this.usedMs - usedMs), endedAtMs: nowMs });
      if (before) this.enter(before);
    }
  }

  /** Returns the longest piece of the last second, if it ended after this time; else `null`. */
  longestSince(sinceMs: number): LongPiece | null {
    // Includes the time so far of a piece that is still running.
    this.settle(this.now());
    return this.longest && this.longest.endedAtMs >= sinceMs ? this.longest : null;
  }

  private readonly end = (): void => {
    this.isEnding = false;
    this.settle(this.now());
  };

  private settle(nowMs: number): void {
    const { current } = this;
    this.current = null;
    if (!current) return;
    const ms = nowMs - this.sinceMs;
    current.ms += ms;
    const party = this.party(current.party);
    party.usedMs = this.usedBy(party, nowMs) + ms;
    party.atMs = nowMs;
    this.usedMs += ms;
    this.remember({ what: current.what, party: current.party, ms, endedAtMs: nowMs });
  }

  private remember(piece: LongPiece): void {
    const { longest } = this;
    if (piece.ms > LONG_MS && (!longest || piece.ms > longest.ms || longest.endedAtMs < piece.endedAtMs - ACTIVE_MS)) this.longest = piece;
  }

  private usedBy({ usedMs, atMs }: Party, nowMs: number): number {
    return usedMs * 2 ** ((atMs - nowMs) / HALF_LIFE_MS);
  }

  private party(name: string): Party {
    const known = this.parties.get(name);
    if (known) return known;
    if (this.parties.size >= MANY) this.forget();
    const party: Party = { usedMs: 0, atMs: this.now(), waiting: new WaitingPieces() };
    this.parties.set(name, party);
    return party;
  }

  private forget(): void {
    const nowMs = this.now();
    for (const [name, party] of this.parties) if (party.waiting.isEmpty && this.usedBy(party, nowMs) < 1) this.parties.delete(name);
  }

  /** Whether this iteration of the loop has time left for pieces. */
  private isInTime(): boolean {
    if (this.isInSlice) return this.now() < this.sliceEndsMs;
    this.beginSlice();
    setImmediate(this.endSlice);
    return true;
  }

  private beginSlice(): void {
    this.isInSlice = true;
    this.sliceEndsMs = this.now() + SLICE_MS;
  }

  private readonly endSlice = (): void => {
    this.isInSlice = false;
  };

  private async pump(): Promise<void> {
    this.isPumping = true;
    while (this.waiting > 0) {
      await new Promise(setImmediate);
      this.beginSlice();
      while (this.waiting > 0 && this.now() < this.sliceEndsMs) {
        for (const piece of this.next()) this.start(piece);
        // At the next tick, all microtasks of the pieces have run.
        await new Promise(process.nextTick);
      }
    }
    this.isPumping = false;
    setImmediate(this.endSlice);
  }

  /** Takes pieces of the party that has used the least time: only pieces of one account, up to the total weight GROUP. */
  private next(): Piece[] {
    const nowMs = this.now();
    let [least, leastMs]: [Party | null, number] = [null, Number.POSITIVE_INFINITY];
    for (const party of this.parties.values()) {
      if (party.waiting.isEmpty) continue;
      const usedMs = this.usedBy(party, nowMs);
      if (usedMs < leastMs) [least, leastMs] = [party, usedMs];
    }
    const pieces = (least as Party).waiting.take();
    this.waiting -= pieces.length;
    return pieces;
  }

  private start({ account, weight, sinceMs, usedMs, go, refuse }: Piece): void {
    // While the account's own pieces ran, its pieces didn't wait, so their time is subtracted.
    account.waitedMs = Math.max(account.waitedMs, this.now() - sinceMs - (account.ms - usedMs));
    if (!account.mustEnd && (account.isOver || account.waitedMs > account.maxWaitMs)) {
      refuse(new NoSlotError(TOO_LONG));
      return;
    }
    account.done += weight;
    this.enter(account);
    go();
  }
}

const TOO_LONG =
  'The query waited too long for its turn: other queries of its organization use its share of the processor. Retry it later.';

/** The event loop of this process. */
export const loopShare = new LoopShare();
