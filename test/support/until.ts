// Polls a condition until it is truthy, and returns its value; after a time limit, fails with the condition's name.
// Polls a number until it reaches a goal; fails when the number hasn't grown for three minutes.
import { setTimeout as wait } from 'node:timers/promises';

/** Default pauses between two polls, in milliseconds. They grow, so that short waits end soon and long waits use little processor time. */
const PAUSE = { firstMs: 10, growth: 1.3, mostMs: 100 };

/** @param everyMs the pause between two polls, for a condition that is true only for a moment */
export async function until<T>(
  what: string,
  condition: () => Promise<T> | T,
  { timeoutMs = 180_000, everyMs }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<Awaited<T>>> {
  const deadline = Date.now() + timeoutMs;
  for (let pauseMs = PAUSE.firstMs; ; pauseMs = Math.min(PAUSE.mostMs, pauseMs * PAUSE.growth)) {
    const answer = await condition();
    if (answer) return answer as NonNullable<Awaited<T>>;
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}`);
    await wait(everyMs ?? pauseMs);
  }
}

/** Polls a growing number until it reaches `goal`. Fails when it hasn't grown for three minutes. */
export async function untilDone(what: string, goal: number, count: () => Promise<number>): Promise<void> {
  for (let done = await count(); done < goal; ) {
    const before = done;
    const counted = async () => {
      const now = await count();
      return now > before ? { now } : null;
    };
    done = (await until(`${what}: ${before} of ${goal}`, counted, { everyMs: PAUSE.mostMs })).now;
  }
}
