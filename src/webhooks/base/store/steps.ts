// Moves any number of rows in steps of bounded size, so that no statement takes long and a `statement_timeout` ends none for good.

/** Rows that one step moves: about 50 ms of the database. */
const MOST = 1_000;
const LEAST = 10;
/** Milliseconds after which a move stops that a request waits for. A worker continues it. */
const REQUEST_MS = 1_000;

/** The number of rows of the next step. A step that fails is followed by one of half the size. */
export class StepSize {
  private size: number;

  constructor(private readonly most = MOST) {
    this.size = most;
  }

  get rows(): number {
    return Math.ceil(this.size);
  }

  succeeded(): void {
    this.size = Math.min(this.size * 1.25, this.most);
  }

  /** Returns whether a smaller step may succeed. */
  failed(error: unknown): boolean {
    const canShrink = isOfSize(error) && this.size > LEAST;
    this.size = Math.max(this.size / 2, LEAST);
    return canShrink;
  }
}

export interface Steps {
  /** Milliseconds after which no further step begins. The first one always runs. */
  withinMs?: number;
  size?: StepSize;
}

export interface Step {
  /** Number of rows that the step found. If it is less than the size of the step, the step was the last. */
  found: number;
  /** Number of rows that the step moved, by subscription id. */
  moved: Readonly<Record<string, number>>;
}

/**
 * Runs `step` until it finds no further rows or the time is over, and returns how many rows were moved, by subscription id. Each step
 * commits by itself, so it must find what earlier steps, also of a process that died, have left.
 * @throws the error of a step that isn't due to its size
 */
export async function inSteps(
  step: (rows: number) => Promise<Step>,
  { withinMs = REQUEST_MS, size = new StepSize() }: Steps = {},
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const untilMs = performance.now() + withinMs;
  do {
    const { rows } = size;
    try {
      const { found, moved } = await step(rows);
      size.succeeded();
      for (const [id, count] of Object.entries(moved)) counts.set(id, (counts.get(id) ?? 0) + count);
      if (found < rows) break;
    } catch (error) {
      if (!size.failed(error)) throw error;
    }
  } while (performance.now() < untilMs);
  return counts;
}

/** Whether a smaller statement may succeed: this one was cancelled, e.g. by `statement_timeout`, waited for a lock, or deadlocked. */
export const isOfSize = (error: unknown): boolean =>
  /^(57014|55P03|40P01|40001|53200)$/.test(String((error as { code?: unknown } | null)?.code));
