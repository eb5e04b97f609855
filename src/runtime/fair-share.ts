// Shares the connections of one pool fairly among parties such as tenants: work runs at once while its party leaves
// enough connections free, and is queued otherwise.
export interface FairShareOptions {
  /** Number of the pool's connections that the parties share. */
  connections: number;
  /** Maximum time that one execution waits in total, in milliseconds, before NoSlotError is thrown. */
  maxWaitMs: number;
}

/** One query execution of a party, with all of its statements. */
export interface Execution {
  /**
   * Runs `work` within the party's share. Calls with the same `key` in the same tick share one slot, because `work`
   * batches them into one statement.
   * @throws NoSlotError when this execution has waited too long
   */
  run<T>(work: () => Promise<T>, needs?: { connections?: number; key?: string | null }): Promise<T>;
}

export interface FairShare {
  begin(party: string): Execution;
}

/** The pool's connections stayed busy for too long. A temporary condition: the work can be retried. */
export class NoSlotError extends Error {
  override name = 'NoSlotError';
}

interface Group {
  key: string | null;
  /**
   * Number of the execution that opened the group. Groups of older executions start first, so that these executions
   * finish instead of all executions timing out together.
   */
  execution: number;
  size: number;
  /** Number of queued and running calls in the group. */
  members: number;
  started: boolean;
  waiting: Set<() => void>;
}

interface Party {
  taken: number;
  waiting: Group[];
  /** Groups that calls of the same tick may still join, by key. */
  open: Map<string, Group>;
}

export function createFairShare({ connections, maxWaitMs }: FairShareOptions): FairShare {
  const parties = new Map<string, Party>();
  let taken = 0;
  let executions = 0;
  /** Number of queued groups. */
  let waiting = 0;

  /**
   * Whether a party may take `size` more connections. It may hold at most as many connections as it leaves free, so
   * that the next party always finds some. A party without connections may always start while one is free.
   */
  function fits(party: Party, size: number): boolean {
    const free = connections - taken;
    if (free <= 0) return false;
    return party.taken === 0 || party.taken + size <= Math.floor((free + party.taken) / 2);
  }

  function start(party: Party, group: Group): void {
    group.started = true;
    // Work of a later tick is a separate statement, so it opens a new group.
    if (group.key !== null) setImmediate(() => close(party, group));
    party.taken += group.size;
    taken += group.size;
    for (const go of group.waiting) go();
    group.waiting.clear();
  }

  function end(name: string, party: Party, group: Group): void {
    if (group.started) {
      party.taken -= group.size;
      taken -= group.size;
    } else {
      party.waiting.splice(party.waiting.indexOf(group), 1);
      waiting -= 1;
    }
    if (party.taken === 0 && party.waiting.length === 0) parties.delete(name);
    next();
  }

  function next(): void {
    for (let granted = waiting > 0; granted; ) {
      granted = false;
      for (const [name, party] of [...parties].sort(([, a], [, b]) => a.taken - b.taken)) {
        const [group] = party.waiting;
        if (!group || !fits(party, group.size)) continue;
        party.waiting.shift();
        waiting -= 1;
        // Moves the party behind the other parties that hold as many connections, for round-robin order.
        parties.delete(name);
        parties.set(name, party);
        start(party, group);
        granted = true;
      }
    }
  }

  function close(party: Party, group: Group): void {
    if (group.key !== null && party.open.get(group.key) === group) party.open.delete(group.key);
  }

  function enter(party: Party, execution: number, size: number, key: string | null): Group {
    const joined = key === null ? undefined : party.open.get(key);
    if (joined) return joined;
    const group: Group = {
      key,
      execution,
      size: Math.min(size, Math.ceil(connections / 2)),
      members: 0,
      started: false,
      waiting: new Set(),
    };
    if (party.waiting.length === 0 && fits(party, group.size)) start(party, group);
    else {
      const after = party.waiting.findLastIndex((other) => other.execution <= execution);
      party.waiting.splice(after + 1, 0, group);
      waiting += 1;
    }
    if (key !== null) party.open.set(key, group);
    return group;
  }

  return {
    begin(name) {
      const waits = createStopwatch();
      executions += 1;
      const execution = executions;
      return {
        async run(work, { connections: size = 1, key = null } = {}) {
          const party = parties.get(name) ?? { taken: 0, waiting: [], open: new Map() };
          parties.set(name, party);
          const group = enter(party, execution, size, key);
          group.members += 1;
          try {
            if (!group.started) await waits.during(slotFor(group, maxWaitMs - waits.ms()));
            return await work();
          } finally {
            group.members -= 1;
            if (group.members === 0) {
              close(party, group);
              end(name, party, group);
            }
          }
        },
      };
    },
  };
}

function slotFor(group: Group, leftMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      group.waiting.delete(go);
      reject(
        new NoSlotError(
          'The query waited too long for a database connection: other queries of this organization use all of its connections.',
        ),
      );
    }, leftMs);
    const go = () => {
      clearTimeout(timer);
      resolve();
    };
    group.waiting.add(go);
  });
}

/** Measures elapsed time in milliseconds; overlapping waits count once. */
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
