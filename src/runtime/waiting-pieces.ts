// Keeps the pieces of work of one party that wait for their turn of the event loop.

/** The measured work of one party, such as one request or one stored query. */
export interface Account {
  /** Number of the account, in the order in which accounts were opened. */
  readonly number: number;
  readonly party: string;
  /** The kind of work, for the log: a constant text, such as `a stored query`. */
  readonly what: string;
  /** Milliseconds of the event loop that this work has used. */
  ms: number;
  /** The total weight of the pieces that have been started. */
  done: number;
  /** The longest time in milliseconds that a piece of this work has waited for others. */
  waitedMs: number;
  /** Maximum of `waitedMs` in milliseconds. A longer wait ends in a NoSlotError. */
  readonly maxWaitMs: number;
  /** Whether the result is no longer needed, e.g. because the client has gone. Waiting pieces then end in a NoSlotError. */
  isOver: boolean;
  /** Whether the work writes, and so must not end between two writes. Then `isOver` and `maxWaitMs` are ignored. */
  mustEnd: boolean;
}

/** Maximum number of objects that pieces of one account complete as a group, so that the account's loaders query the database only once. */
export const GROUP = 100;
/** Maximum milliseconds of a group, estimated by the average time of the account's objects so far. */
const GROUP_MS = 8;
export interface Piece {
  account: Account;
  /** The number of objects that the piece completes. */
  weight: number;
  sinceMs: number;
  /** The milliseconds that the account had used when the piece began to wait. */
  usedMs: number;
  go(): void;
  refuse(error: Error): void;
}

/**
 * The waiting pieces of one party. Takes pieces of its oldest and its newest account in turn. Pieces of the oldest account are taken so
 * that begun work ends, instead of all work being refused together. Pieces of the newest account are taken so that a short request needn't
 * wait for all long requests before it.
 */
export class WaitingPieces {
  /** The accounts with waiting pieces, in the order in which the accounts were opened. */
  private readonly accounts: { account: Account; pieces: Piece[]; first: number }[] = [];
  private isNewest = false;

  /** Number of waiting pieces. */
  size = 0;

  get isEmpty(): boolean {
    return this.size === 0;
  }

  add(piece: Piece): void {
    this.size += 1;
    const { account } = piece;
    const before = this.accounts.findLastIndex((queue) => queue.account.number <= account.number);
    const queue = this.accounts[before];
    if (queue?.account === account) queue.pieces.push(piece);
    else this.accounts.splice(before + 1, 0, { account, pieces: [piece], first: 0 });
  }

  take(): Piece[] {
    this.isNewest = !this.isNewest;
    const index = this.isNewest ? this.accounts.length - 1 : 0;
    const queue = this.accounts[index] as (typeof this.accounts)[number];
    const { ms, done } = queue.account;
    const most = done === 0 ? 1 : Math.min(GROUP, GROUP_MS / (ms / done || 0.01));
    const taken: Piece[] = [];
    for (let weight = 0; weight < most && queue.first < queue.pieces.length; queue.first++) {
      const piece = queue.pieces[queue.first] as Piece;
      taken.push(piece);
      weight += piece.weight;
    }
    if (queue.first === queue.pieces.length) this.accounts.splice(index, 1);
    this.size -= taken.length;
    return taken;
  }
}
