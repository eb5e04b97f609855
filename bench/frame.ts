// Measures the variants of a line in rounds and compares the figures with the line's bars.
import type { Server } from './server.js';

/** The figures of one measurement by name: `perSecond`, `p99Ms`, `workerCpuMs`. */
export type Metrics = Record<string, number>;

export interface Variant {
  name: string;
  measure(): Promise<Metrics>;
}

/** A limit on a metric. Without `against`, limits the value itself; else its ratio to the best variant in `against`, in each round. */
export interface Bar {
  what: string;
  metric: string;
  of: string;
  against?: string | string[];
  atLeast?: number;
  atMost?: number;
  /** Compares the worst round, instead of the median, with the limit. */
  always?: true;
}

export interface Prepared {
  variants: Variant[];
  bars: Bar[];
  /** Returns the notes to print below the figures. Called after the last round. */
  notes?: () => string[];
  close(): Promise<void>;
}

export interface Line {
  key: string;
  title: string;
  /** Describes the measuring method in a sentence or two. */
  method: string;
  /** The number of rounds; smaller for a line whose rounds take long. */
  rounds?: number;
  prepare(bench: Bench): Promise<Prepared>;
}

export interface Bench {
  server: Server;
  say(message: string): void;
}

export interface Figure {
  variant: string;
  metric: string;
  rounds: number[];
}

export interface Verdict extends Bar {
  /** For each round, the ratio or the value itself. */
  rounds: number[];
  /** The median of the rounds; if the bar is `always`, the worst round. */
  median: number;
  reached: boolean;
}

export interface Measured {
  figures: Figure[];
  verdicts: Verdict[];
  notes: string[];
}

export async function measureLine(line: Line, bench: Bench, rounds: number): Promise<Measured> {
  const { variants, bars, notes, close } = await line.prepare(bench);
  const found: Record<string, Metrics>[] = [];
  try {
    for (let round = 0; round <= rounds; round++) {
      const metrics: Record<string, Metrics> = {};
      for (let i = 0; i < variants.length; i++) {
        const variant = variants[(i + round) % variants.length] as Variant;
        metrics[variant.name] = await variant.measure();
        bench.say(`  ${round === 0 ? 'warming up' : `round ${round}`}, ${variant.name}: ${describe(metrics[variant.name] as Metrics)}`);
      }
      if (round > 0) found.push(metrics);
    }
    return {
      figures: variants.flatMap(({ name }) => figuresOf(name, found)),
      verdicts: bars.map((bar) => judge(bar, found)),
      notes: notes?.() ?? [],
    };
  } finally {
    await close();
  }
}

function figuresOf(variant: string, found: Record<string, Metrics>[]): Figure[] {
  const names = Object.keys(found[0]?.[variant] ?? {});
  return names.map((metric) => ({ variant, metric, rounds: found.map((round) => round[variant]?.[metric] as number) }));
}

function judge(bar: Bar, found: Record<string, Metrics>[]): Verdict {
  const against = [bar.against ?? []].flat();
  const rounds = found.map((round) => {
    const own = round[bar.of]?.[bar.metric] as number;
    if (against.length === 0) return own;
    const others = against.map((name) => round[name]?.[bar.metric] as number);
    return own / (bar.atLeast === undefined ? Math.min(...others) : Math.max(...others));
  });
  const worst = bar.atLeast === undefined ? Math.max : Math.min;
  const middle = bar.always ? worst(...rounds) : median(rounds);
  const reached = bar.atLeast === undefined ? middle <= (bar.atMost ?? Number.POSITIVE_INFINITY) : middle >= bar.atLeast;
  return { ...bar, rounds, median: middle, reached };
}

export function median(values: number[]): number {
  return quantile(values, 0.5);
}

/** Returns the nearest-rank quantile. The median of an even number of values is the mean of the two middle values. */
export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (share === 0.5 && sorted.length % 2 === 0)
    return ((sorted[sorted.length / 2 - 1] as number) + (sorted[sorted.length / 2] as number)) / 2;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] as number;
}

const describe = (metrics: Metrics): string =>
  Object.entries(metrics)
    .map(([name, value]) => `${name} ${round(value)}`)
    .join(', ');

/** Rounds to three significant digits. */
export const round = (value: number): string =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
