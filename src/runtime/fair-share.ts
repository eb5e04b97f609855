// Shares the connections of one pool fairly among parties, such as tenants: work beyond its party's share is queued.
export interface FairShareOptions {
  /** Number of the pool's connections that the parties share. */
  connections: number;
  /** Maximum time that one execution waits in total, in milliseconds, before NoSlotError is thrown. */
  maxWaitMs: number;
}

/** One query execution of a party, with all of its statements. */
export interface Execution {
  /**
   * Runs `work` once the party's share has enough free connections: `needs.connections`, default 1. Calls with the same
   * `key` in the same tick share their connections, because `work` batches them into one statement.
   * @throws NoSlotError when this execution has waited for `maxWaitMs` in total
   */
  run<T>(work: () => Promise<T>, needs?: { connections?: number; key?: string | null }): Promise<T>;
}

export interface FairShare {
  begin(party: string): Execution;
}

/** Thrown when an execution has waited too long for a connection. The work can be retried later. */
export class NoSlotError extends Error {
  override name = 'NoSlotError';
}

/** Calls of `run` that share their connections: calls with the same key in the same tick, or a single call without a key. */
interface Group {
  key: string | null;
  /**
   * Number of the execution that opened the group. Groups of older executions start first, so that these executions
   * finish instead of all executions timing out together.
   */
  execution: number;
  /** Number of connections that the group takes. */
  size: number;
  /** Number of queued and running calls in the group. */
  members: number;
  started: boolean;
  waiting: Set<() => void>;
}

interface Party {
  taken: number;
  waiting: Group[];
  /** Groups that further calls in the same tick may join, by key. */
  open: Map<string, Group>;
}

export function createFairShare({ connections, maxWaitMs }: FairShareOptions): FairShare {
  const share = new SharedConnections(connections);
  let executions = 0;
  return {
    begin(name) {
      const waits = createStopwatch();
      executions += 1;
      const execution = executions;
      return {
        async run(work, { connections: size = 1, key = null } = {}) {
          const party = share.party(name);
          const group = share.enter(party, execution, size, key);
          group.members += 1;
          try {
            if (!group.started) await waits.during(slotFor(group, maxWaitMs - waits.ms()));
            return await work();
          } finally {
            group.members -= 1;
            if (group.members === 0) share.end(name, party, group);
          }
        },
      };
    },
  };
}

class SharedConnections {
  private readonly parties = new Map<string, Party>();
  private taken = 0;
  /** Number of queued groups. */
  private waiting = 0;

  constructor(private readonly connections: number) {}

  party(name: string): Party {
    const party = this.parties.get(name) ?? { taken: 0, waiting: [], open: new Map() };
    this.parties.set(name, party);
    return party;
  }

  /** Joins the open group of `key`; otherwise starts or queues a new group. */
  enter(party: Party, execution: number, size: number, key: string | null): Group {
    const joined = key === null ? undefined : party.open.get(key);
    if (joined) return joined;
    const group: Group = {
      key,
      execution,
      size: Math.min(size, Math.ceil(this.connections / 2)),
      members: 0,
      started: false,
      waiting: new Set(),
    };
    if (party.waiting.length === 0 && this.fits(party, group.size)) this.start(party, group);
    else {
      const after = party.waiting.findLastIndex((other) => other.execution <= execution);
      party.waiting.splice(after + 1, 0, group);
      this.waiting += 1;
    }
    if (key !== null) party.open.set(key, group);
    return group;
  }

  /** Ends a group: frees its connections, or removes it from the queue if it hasn't started. Then starts queued groups. */
  end(name: string, party: Party, group: Group): void {
    close(party, group);
    if (group.started) {
      party.taken -= group.size;
      this.taken -= group.size;
    } else {
      party.waiting.splice(party.waiting.indexOf(group), 1);
      this.waiting -= 1;
    }
    if (party.taken === 0 && party.waiting.length === 0) this.parties.delete(name);
    this.startWaiting();
  }

  /**
   * Whether a party may take `size` more connections. It may hold at most as many connections as it leaves free, so that
   * the next party always finds free ones. A party that holds no connection may start whenever a connection is free.
   */
  private fits(party: Party, size: number): boolean {
    const free = this.connections - this.taken;
    if (free <= 0) return false;
    return party.taken === 0 || party.taken + size <= Math.floor((free + party.taken) / 2);
  }

  private start(party: Party, group: Group): void {
    group.started = true;
    // Calls of a later tick open a new group, because their work is a separate statement.
    if (group.key !== null) setImmediate(() => close(party, group));
    party.taken += group.size;
    this.taken += group.size;
    for (const go of group.waiting) go();
    group.waiting.clear();
  }

  private startWaiting(): void {
    for (let granted = this.waiting > 0; granted; ) {
      granted = false;
      for (const [name, party] of [...this.parties].sort(([, a], [, b]) => a.taken - b.taken)) {
        const [group] = party.waiting;
        if (!group || !this.fits(party, group.size)) continue;
        party.waiting.shift();
        this.waiting -= 1;
        // Moves the party behind other parties with the same number of connections, for round-robin order.
        this.parties.delete(name);
        this.parties.set(name, party);
        this.start(party, group);
        granted = true;
      }
    }
  }
}

/** Closes the group: a later call with the same key opens a new group. */
function close(party: Party, group: Group): void {
  if (group.key !== null && party.open.get(group.key) === group) party.open.delete(group.key);
}

function slotFor(group: Group, leftMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        group.waiting.delete(go);
        reject(
          new NoSlotError("The query waited too long for a database connection: no connection in its organization's share became free."),
        );
      },
      Math.max(0, leftMs),
    );
    const go = () => {
      clearTimeout(timer);
      resolve();
    };
    group.waiting.add(go);
  });
}

/** Sums the milliseconds during which at least one of the measured promises was pending. */
export function createStopwatch() {
  let sum = 0;
  let running = 0;
  let since = 0;
  return {
    ms: () => sum + (running > 0 ? performance.now() - since : 0),
    async during<T>(wait: Promise<T>): Promise<T> {
      if (running === 0) since = performance.now();
      running += 1;
      try {
        return await wait;
      } finally {
        running -= 1;
        if (running === 0) sum += performance.now() - since;
      }
    },
  };
}
