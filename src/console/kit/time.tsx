// Shows times in the reader's zone, with UTC on hover.
import { type ReactNode, useEffect, useState } from 'react';

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** How long ago or ahead, such as `3 min. ago`. */
export function fromNow(at: string, nowMs: number): string {
  const seconds = (Date.parse(at) - nowMs) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** `style`: `exact` shows date and time, `ago` how long ago it was. */
export function Time({ at, style = 'exact' }: { at: string; style?: 'exact' | 'ago' }) {
  const now = useNow(style === 'ago');
  const local = exact.format(new Date(at));
  const utc = new Date(at).toISOString().replace('T', ' ').replace('.000Z', 'Z').replace('Z', ' UTC');
  return (
    <time dateTime={at} title={style === 'ago' ? `${local}\n${utc}` : utc}>
      {style === 'ago' ? fromNow(at, now) : local}
    </time>
  );
}

/** When something is due next: `next in 5 min`, or `due now`. */
export const Due = ({ at }: { at: string }) =>
  Date.parse(at) <= Date.now() ? (
    <>due now</>
  ) : (
    <>
      next <Time at={at} style="ago" />
    </>
  );

/** A time as the API writes it into a sentence. */
const WRITTEN = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

/** Shows a sentence of the API with its times in the reader's zone. */
export function withTimes(sentence: string): ReactNode[] {
  // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence have no other key, and never move
  return sentence.split(WRITTEN).map((part, index) => (index % 2 === 1 ? <Time key={index} at={part} /> : part));
}

const TICK_MS = 15_000;

function useNow(isTicking: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isTicking) return;
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [isTicking]);
  // Without this, a row that came after the last tick would seem to be in the future.
  return Math.max(now, Date.now() - TICK_MS);
}

/** Milliseconds as people read them: `320 ms`, `1.4 s`, `2 min 5 s`. */
export function formatMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}
