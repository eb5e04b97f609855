// Limits the number of concurrent requests to one origin; further requests wait in order.

/** Maximum number of concurrent requests to one origin. Each is a connection over HTTP/1.1. */
export const AT_ONCE = 200;

/**
 * Freed slots are collected up to this number, or for GATHER_MS milliseconds, so that requests start together and share their reads,
 * renderings and writes.
 */
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

  /** Returns `null` when a slot is free at once; otherwise a promise: true with a slot, false when closed. Release a slot by `leave`. */
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

  /** Refuses all waiting requests, and later ones that would have to wait. */
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
