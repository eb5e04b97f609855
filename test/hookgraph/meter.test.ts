// Checks that an attempt is counted whatever kind, outcome and stage it has: a new stage must not be left out.
import { expect, it } from 'vitest';
import { createMeter } from '../../src/hookgraph/metrics.js';
import { createMetrics } from '../../src/runtime/metrics/metrics.js';
import { STAGES, type Stage } from '../../src/webhooks/index.js';

it.each(Object.keys(STAGES) as Stage[])('counts an attempt that failed at the stage %s', async (stage) => {
  const metrics = createMetrics();
  const meter = createMeter(metrics);
  meter.attempt({
    delivery: { kind: 'LIVE', eventId: null, attemptCount: 0 },
    outcome: 'FAILED',
    stage,
    startedAt: new Date(),
    durationMs: 1,
    timings: {},
  });
  const { body } = await metrics.write([], { process: false });
  expect(body).toContain(`hookgraph_attempts_total{kind="LIVE",outcome="FAILED",stage="${stage}"} 1`);
});
