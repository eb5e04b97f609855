// Polls a condition until it is truthy and returns its value; after a deadline, fails with the name of the condition.
import { setTimeout as wait } from 'node:timers/promises';

export async function until<T>(
  what: string,
  condition: () => Promise<T> | T,
  { timeoutMs = 60_000, everyMs = 20 } = {},
): Promise<NonNullable<Awaited<T>>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await condition();
    if (answer) return answer as NonNullable<Awaited<T>>;
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}`);
    await wait(everyMs);
  }
}
