// The engine at work in one process: the loops that wake each other. What happens to a delivery is journey.ts.

import { compileDefinition } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import { auditByRule } from './base/store/audit.js';
import { holdDeliveries, releaseDeliveries } from './base/store/delivery-state.js';
import { loadForSending } from './base/store/subscriptions.js';
import { settleTopics } from './destinations/sns/managed-sns-topics.js';
import { startRelay } from './fan-out/relay-loop.js';
import { stepReplay } from './fan-out/replay.js';
import { createJourney } from './journey.js';
import { LEASE_MS } from './lease/claim.js';
import { startDrain } from './lease/drain.js';
import { releaseScan, scanDue } from './lease/due-scan.js';
import { keepLarge } from './lease/pad-queue-table.js';
import { openCourier } from './send-delivery.js';
import { createSettler } from './verdict/attempt-writer.js';

export interface Working {
  /** There may be new events: the relay looks at once. */
  poke(): void;
  /** These subscriptions may have something due: the drain looks at once. */
  wake(subscriptionIds: string[]): void;
  /** Claims nothing more, lets what is in flight end and be recorded, then resolves. */
  stop(): Promise<void>;
}

const DUE_SCAN_MS = 500;
const RELEASE_SCAN_MS = 5000;
const TOPIC_SCAN_MS = 2000;
const REPLAY_SCAN_MS = 500;
const TEMPLATE_SCAN_MS = 2000;
const STATISTICS_SCAN_MS = 2000;

export async function startWorking(engine: Engine): Promise<Working> {
  const { pool, log } = engine;
  await recheckBroken(engine);
  await keepLarge(pool);
  const courier = openCourier(engine);
  const journey = createJourney(engine, courier);
  const settler = createSettler(pool, log, async (ids) => void (await holdDeliveries(pool, ids, 'DISABLED')), LEASE_MS);
  const drain = startDrain({
    pool,
    log,
    hostOf: journey.originOf,
    deliver: (batch, free) =>
      journey.run(batch, (place, settlement) => {
        const room = settler.settle(settlement);
        if (room) void room.then(() => free(place));
        else free(place);
      }),
  });
  const relay = startRelay({ pool, log, onDeliveries: drain.wake });
  const dueScan = repeat(DUE_SCAN_MS, async () => drain.wake(await scanDue(pool)), engine);
  const heldScan = repeat(RELEASE_SCAN_MS, () => releaseScan(pool), engine);
  const topics = repeat(TOPIC_SCAN_MS, async () => void (await settleTopics(engine)), engine);
  const replays = repeat(
    REPLAY_SCAN_MS,
    async (isStopped) => {
      for (let step = await stepReplay(pool); step && !isStopped(); step = await stepReplay(pool)) drain.wake([step.subscriptionId]);
    },
    engine,
  );
  const templates = repeat(TEMPLATE_SCAN_MS, templateScan(engine), engine);
  const statistics = repeat(STATISTICS_SCAN_MS, statisticsScan(engine), engine);
  return {
    poke: relay.poke,
    wake: drain.wake,
    async stop() {
      const scans = [dueScan, heldScan, topics, replays, templates, statistics].map((scan) => scan.stop());
      journey.stop();
      await Promise.all([drain.stop().then(settler.written), relay.stop(), ...scans]);
      await courier.close();
    },
  };
}

/** Has a render process ready before the first delivery needs it, once there is a subscription with a template: it takes 65 MB. */
function templateScan({ pool, renderer }: Engine): () => Promise<void> {
  let since: Date | null = null;
  let found = false;
  return async () => {
    if (found) return;
    const { rows } = await pool.query<{ now: Date; found: boolean }>(
      `SELECT now(), EXISTS (
         SELECT FROM hookgraph.subscriptions x JOIN hookgraph.subscription_versions v ON v.subscription_id = x.id AND v.number = x.version
         WHERE x.status = 'ENABLED' AND ($1::timestamptz IS NULL OR x.updated_at > $1 - interval '1 minute')
           AND num_nonnulls(v.definition ->> 'validationTemplate', v.definition ->> 'template', v.definition ->> 'errorTemplate') > 0
       ) AS found`,
      [since],
    );
    since = rows[0]?.now ?? null;
    found = rows[0]?.found ?? false;
    if (found) renderer.start();
  };
}

/**
 * Statements that were planned while the queue was empty read all of it for each batch, until Postgres has counted it: a minute or
 * so after a new installation's first backlog. Here it is told to as soon as there is one.
 */
function statisticsScan({ pool }: Engine): () => Promise<void> {
  // Each makes every session plan anew, and a table may be large and have few rows.
  let triesLeft = 3;
  return async () => {
    if (triesLeft === 0) return;
    const { rows } = await pool.query<{ known: boolean; grown: boolean }>(
      `SELECT reltuples >= 1000 AS known, pg_relation_size(oid) > 500000 AS grown FROM pg_class WHERE oid = 'hookgraph.deliveries'::regclass`,
    );
    const { known = false, grown = false } = rows[0] ?? {};
    if (known) triesLeft = 0;
    else if (grown) {
      // Not the last word: it may have grown by what is not committed, and so not counted yet.
      triesLeft -= 1;
      await pool.query('ANALYZE hookgraph.deliveries');
    }
  };
}

/** Runs `work` at once and then `everyMs` after it ended; a failure is logged and tried again. */
function repeat(everyMs: number, work: (isStopped: () => boolean) => Promise<void>, { log }: Engine): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running = Promise.resolve();
  const run = async () => {
    try {
      await work(() => stopped);
    } catch (error) {
      log.error({ err: error }, 'a scan failed; trying again');
    }
    if (!stopped) timer = setTimeout(() => (running = run()), everyMs);
  };
  running = run();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** A definition that a schema change broke may be valid again with the schema that this process was built with. */
async function recheckBroken(engine: Engine): Promise<void> {
  const { rows } = await engine.pool.query<{ id: string }>(
    `SELECT id FROM hookgraph.subscriptions WHERE broken_at IS NOT NULL AND deleted_at IS NULL`,
  );
  if (rows.length === 0) return;
  const loaded = await loadForSending(
    engine,
    rows.map((row) => row.id),
  );
  const compiled = await Promise.all([...loaded.values()].map(async (one) => ({ ...one, result: await compileDefinition(engine, one) })));
  const valid = compiled.filter(({ result }) => !('broken' in result));
  if (valid.length === 0) return;
  // By version: an edit meanwhile has its own say.
  const { rows: corrected } = await engine.pool.query<{ id: string }>(
    `WITH changed AS (
       UPDATE hookgraph.subscriptions x SET broken_at = NULL, broken_reason = NULL, updated_at = clock_timestamp()
       FROM unnest($1::uuid[], $2::int[]) AS v (id, version) WHERE x.id = v.id AND x.version = v.version AND x.broken_at IS NOT NULL
       RETURNING x.id, x.tenant, x.owner, x.version, 'RECHECKED' AS rule, NULL AS message
     ), told AS (${auditByRule('RESTORED')})
     SELECT id FROM changed`,
    [valid.map((sendable) => sendable.subscription.id), valid.map((sendable) => sendable.subscription.version)],
  );
  await releaseDeliveries(
    engine.pool,
    corrected.map((row) => row.id),
    ['BROKEN'],
  );
}
