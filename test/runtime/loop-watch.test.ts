import { expect, it } from 'vitest';
import { loopShare } from '../../src/runtime/loop-share.js';
import { LoopWatch, watchLoop } from '../../src/runtime/loop-watch.js';
import { collectLines } from '../support/log-lines.js';
import { until } from '../support/until.js';

it('measures each delay, and warns of long ones by the name of what ran, at most once in ten seconds and not while the process starts', () => {
  const { log, lines } = collectLines();
  const clock = { now: 0, processor: 0 };
  const delays: number[] = [];
  let piece: { what: string; party: string; ms: number; endedAtMs: number } | null = null;
  const watch = new LoopWatch({
    log,
    onDelay: (ms) => void delays.push(ms),
    longestSince: () => piece,
    now: () => clock.now,
    processorMs: () => clock.processor,
  });
  const pass = (ms: number, processorMs = ms) => {
    clock.now += ms;
    clock.processor += processorMs;
    watch.measure();
  };
  for (let count = 0; count < 200; count++) pass(50);
  pass(249);
  expect(lines).toEqual([]);
  piece = { what: 'masking', party: 'acme', ms: 240, endedAtMs: 0 };
  pass(301);
  expect(delays.slice(-3)).toEqual([0, 199, 251]);
  expect(lines).toMatchObject([{ level: 40, delayMs: 251, processorMs: 301, what: 'masking', tenant: 'acme', unlogged: 0 }]);
  pass(400);
  pass(9_400);
  piece = null;
  pass(1_050);
  pass(11_050, 5);
  expect(lines.slice(1)).toMatchObject([
    { delayMs: 1_000, what: 'unmeasured work', tenant: null, unlogged: 2 },
    { delayMs: 11_000, what: 'another process', tenant: null, unlogged: 0 },
  ]);
});

it('sees what blocks the real loop', async () => {
  const { log, lines } = collectLines();
  const delays: number[] = [];
  const end = watchLoop({ log, quietMs: 0, onDelay: (ms) => void delays.push(ms) });
  await until('it measures', () => delays.length > 0);
  const block = () =>
    loopShare.measure('acme', 'a test', () => {
      const since = performance.now();
      while (performance.now() - since < 400);
    });
  // Repeats the block, because a busy machine may delay the loop for longer than the block; then that cause is logged.
  await until('it is logged by its name', () => {
    const isLogged = lines.some(({ what, tenant }) => what === 'a test' && tenant === 'acme');
    if (!isLogged) block();
    return isLogged;
  });
  end();
  expect(Math.max(...delays)).toBeGreaterThan(200);
});
