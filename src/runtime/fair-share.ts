// Work that takes connections of one pool, each for a party -> run at once while the party leaves enough free for others, else in turn.
export interface TurnsOptions {
  /** Of the pool, those that may be taken here. */
  connections: number;
  /** So long one visit waits in all, before it gives up. */
  maxWaitMs: number;
}

/** One visit of a party: the statements of one execution. */
export interface Visit {
  /**
   * Runs `work` within this party's share. What has the same `key` in the same tick is one statement below, and takes one turn.
   * @throws NoTurnError when this visit has waited too long.
   */
  run<T>(work: () => Promise<T>, needs?: { connections?: number; key?: string | null }): Promise<T>;
}

export interface Turns {
  visit(party: string): Visit;
}

/** The others of its party, or of many parties, keep the connections busy: nobody's mistake, and better later. */
export class NoTurnError extends Error {
  override name = 'NoTurnError';
}

interface Group {
  key: string | null;
  /** The number of the visit that opened it: what began earlier ends earlier, rather than that all begin and none ends in time. */
  visit: number;
  size: number;
  /** Work in it, waiting or running. */
  members: number;
  started: boolean;
  waiting: Set<() => void>;
}

interface Party {
  taken: number;
  waiting: Group[];
  /** Groups that what comes now may join. */
  open: Map<string, Group>;
}

export function createTurns({ connections, maxWaitMs }: TurnsOptions): Turns {
  const parties = new Map<string, Party>();
  let taken = 0;
  let visits = 0;
  /** Groups that wait. */
  let waiting = 0;

  /** Never more than it leaves free: whoever comes next finds connections, however many parties are slow. One at least is everybody's. */
  function fits(party: Party, size: number): boolean {
    const free = connections - taken;
    if (free <= 0) return false;
    return party.taken === 0 || party.taken + size <= Math.floor((free + party.taken) / 2);
  }

  function start(party: Party, group: Group): void {
    group.started = true;
    // What comes in a later tick is another statement.
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
        // To the back of those with as many, so that everybody's turn comes.
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

  function enter(party: Party, visit: number, size: number, key: string | null): Group {
    const joined = key === null ? undefined : party.open.get(key);
    if (joined) return joined;
    const group: Group = { key, visit, size: Math.min(size, Math.ceil(connections / 2)), members: 0, started: false, waiting: new Set() };
    if (party.waiting.length === 0 && fits(party, group.size)) start(party, group);
    else {
      const after = party.waiting.findLastIndex((other) => other.visit <= visit);
      party.waiting.splice(after + 1, 0, group);
      waiting += 1;
    }
    if (key !== null) party.open.set(key, group);
    return group;
  }

  return {
    visit(name) {
      const waits = createStopwatch();
      visits += 1;
      const visit = visits;
      return {
        async run(work, { connections: size = 1, key = null } = {}) {
          const party = parties.get(name) ?? { taken: 0, waiting: [], open: new Map() };
          parties.set(name, party);
          const group = enter(party, visit, size, key);
          group.members += 1;
          try {
            if (!group.started) await waits.during(turnOf(group, maxWaitMs - waits.ms()));
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

function turnOf(group: Group, leftMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      group.waiting.delete(go);
      reject(new NoTurnError('Its organization’s queries have kept their share of the database’s connections busy for too long.'));
    }, leftMs);
    const go = () => {
      clearTimeout(timer);
      resolve();
    };
    group.waiting.add(go);
  });
}

/** Of what goes on side by side the time counts once. */
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
