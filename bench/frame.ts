// A line's variants and bars in, their figures per round and what they come to out.
import type { Server } from './server.js';

/** What one measurement found, by name: `perSecond`, `p99Ms`, `workerCpuMs`. */
export type Metrics = Record<string, number>;

export interface Variant {
  name: string;
  measure(): Promise<Metrics>;
}

/** What must hold. Without `against` it is the figure itself; with several, the best of them in each round. */
export interface Bar {
  what: string;
  metric: string;
  of: string;
  against?: string | string[];
  atLeast?: number;
  atMost?: number;
  /** The worst round counts, not the median. */
  always?: true;
}

export interface Prepared {
  variants: Variant[];
  bars: Bar[];
  /** Said below the figures. Asked after the last round. */
  notes?: () => string[];
  close(): Promise<void>;
}

export interface Line {
  key: string;
  title: string;
  /** How it is measured: a sentence or two. */
  method: string;
  /** Fewer for a line whose rounds are long. */
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
  /** Per round: the ratio, or the figure itself. */
  rounds: number[];
  /** Or the worst one, of a bar that must always hold. */
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

/** The nearest rank; of an even number of values the median is the mean of the middle two. */
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

/** Three digits that mean something. */
export const round = (value: number): string =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
