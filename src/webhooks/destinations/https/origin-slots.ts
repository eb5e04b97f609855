// Exchanges with an origin -> no more than so many at once; the others wait in order.

/** Requests to one origin: each is a connection over HTTP/1.1. */
export const AT_ONCE = 200;

/** What starts together reads, renders and is written together: room gathers up to so much, or for so long. */
const WORTHWHILE = 100;
const GATHER_MS = 5;

interface Lane {
  inside: number;
  waiting: ((isOpen: boolean) => void)[];
  gathering: NodeJS.Timeout | undefined;
}

export class Lanes {
  private readonly lanes = new Map<string, Lane>();
  private closed = false;

  constructor(private readonly width = AT_ONCE) {}

  /** Null: at once. Else whether its turn came; false: there are no turns any more. Whoever is in must leave. */
  enter(origin: string): Promise<boolean> | null {
    const lane = this.lanes.get(origin) ?? { inside: 0, waiting: [], gathering: undefined };
    if (lane.inside === 0) this.lanes.set(origin, lane);
    if (lane.inside < this.width && lane.waiting.length === 0) {
      lane.inside += 1;
      return null;
    }
    if (this.closed) return Promise.resolve(false);
    return new Promise((resolve) => void lane.waiting.push(resolve));
  }

  leave(origin: string): void {
    const lane = this.lanes.get(origin);
    if (lane === undefined) return;
    lane.inside -= 1;
    const { waiting } = lane;
    if (waiting.length === 0) {
      if (lane.inside === 0) this.lanes.delete(origin);
    } else if (this.width - lane.inside >= Math.min(WORTHWHILE, waiting.length)) this.letIn(lane);
    else lane.gathering ??= setTimeout(() => this.letIn(lane), GATHER_MS);
  }

  private letIn(lane: Lane): void {
    clearTimeout(lane.gathering);
    lane.gathering = undefined;
    const room = Math.max(0, this.width - lane.inside);
    for (const turn of lane.waiting.splice(0, room)) {
      lane.inside += 1;
      turn(true);
    }
  }

  /** Whoever waits does so in vain. */
  close(): void {
    this.closed = true;
    for (const [origin, lane] of this.lanes) {
      clearTimeout(lane.gathering);
      lane.gathering = undefined;
      for (const turn of lane.waiting.splice(0)) turn(false);
      if (lane.inside === 0) this.lanes.delete(origin);
    }
  }
}
