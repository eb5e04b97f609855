// Exchanges with an origin -> no more than so many at once; the others wait in order.

/** Requests to one origin: each is a connection over HTTP/1.1. */
export const AT_ONCE = 200;

interface Lane {
  inside: number;
  waiting: ((isOpen: boolean) => void)[];
}

export class Lanes {
  private readonly lanes = new Map<string, Lane>();
  private closed = false;

  constructor(private readonly width = AT_ONCE) {}

  /** Null: at once. Else whether its turn came; false: there are no turns any more. Whoever is in must leave. */
  enter(origin: string): Promise<boolean> | null {
    const lane = this.lanes.get(origin) ?? { inside: 0, waiting: [] };
    if (lane.inside === 0) this.lanes.set(origin, lane);
    if (lane.inside < this.width) {
      lane.inside += 1;
      return null;
    }
    if (this.closed) return Promise.resolve(false);
    return new Promise((resolve) => void lane.waiting.push(resolve));
  }

  leave(origin: string): void {
    const lane = this.lanes.get(origin);
    if (lane === undefined) return;
    const next = lane.waiting.shift();
    if (next) next(true);
    else if (--lane.inside === 0) this.lanes.delete(origin);
  }

  /** Whoever waits does so in vain. */
  close(): void {
    this.closed = true;
    for (const { waiting } of this.lanes.values()) for (const turn of waiting.splice(0)) turn(false);
  }
}
