// Moves any number of rows in steps of bounded size, so that no statement takes long and a `statement_timeout` ends none for good.

/** Maximum number of rows that one step moves, in about 50 ms of the database. */
const MOST = 1_000;
const LEAST = 10;
/** Milliseconds after which a move stops if a request waits for it. A worker then completes the move. */
const REQUEST_MS = 1_000;

/** The number of rows in the next step. After a step fails, the next has half the size. */
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

  /** Notes a failed step. Returns whether a smaller step may succeed. */
  failed(error: unknown): boolean {
    const canShrink = isOfSize(error) && this.size > LEAST;
    this.size = Math.max(this.size / 2, LEAST);
    return canShrink;
  }
}

export interface Steps {
  /** Milliseconds after which no further step begins. The first step always runs. */
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
 * Runs `step` until it finds no further rows or the time is over. Returns the number of moved rows by subscription id. Each step commits by
 * itself, so it must find the rows that earlier steps left, including those of a process that died.
 * @throws the error of a step, unless the error is due to the step's size
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

/** Whether a smaller statement may succeed after this error: a cancelled statement (e.g. by `statement_timeout`), a lock or a deadlock. */
export const isOfSize = (error: unknown): boolean =>
  /^(57014|55P03|40P01|40001|53200)$/.test(String((error as { code?: unknown } | null)?.code));
