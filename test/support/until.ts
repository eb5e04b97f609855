// Polls a condition until it is truthy and returns its value; after a deadline, fails with the name of the condition.
// A number is polled until it is reached; it fails when the number has not grown for three minutes.
import { setTimeout as wait } from 'node:timers/promises';

/** The usual pauses between two polls, in milliseconds: short waits end at once, and long ones take little of the processor. */
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

/** Polls a number that grows until it is `goal` or more. However slow the machine, it must grow within three minutes. */
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
