// Compares the costs of work within one run of a test, because a number of milliseconds says nothing on another machine.
import { expect } from 'vitest';

/** Returns CPU milliseconds of this process: the minimum of three runs, because garbage collection and compilation only add time. */
export function leastCpuMs(work: () => unknown): number {
  const times = [1, 2, 3].map(() => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}

/**
 * Fails when the cost grows with the square of the size: eight times the size costs 8 times as much if it is linear, and 64 times as
 * much if it is quadratic. Choose a `size` at which quadratic work takes many milliseconds.
 */
export function expectLinear<Input>(size: number, write: (size: number) => Input, work: (input: Input) => unknown): void {
  const [short, long] = [write(size), write(8 * size)];
  expect(
    leastCpuMs(() => work(long)) /
      Math.max(
        1,
        leastCpuMs(() => work(short)),
      ),
  ).toBeLessThan(24);
}
