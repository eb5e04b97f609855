// The door of the engine: createWebhooks() and the public types.

import type { Pool } from 'pg';
import type { Logger } from '../runtime/logger.js';
import { localSql, schemaOf } from '../runtime/schema-name.js';
import type { Engine, Settings } from './base/engine.js';
import type { Host } from './base/model.js';
import { createGuard } from './base/network/address-guard.js';
import type { Endpoint } from './base/network/guard.js';
import { checkKeys, createVault } from './base/secrets/vault.js';
import { createRenderer } from './base/templates/renderer.js';
import { type PlannedStatement, planCapture } from './capture/plan-capture.js';
import { prepareCapture } from './capture/prepare-capture.js';
import { createCaptureWatch, LOOK_MS } from './capture/watch-capture.js';
import { createPoker } from './fan-out/create-poker.js';
import { createGate, type Gate } from './gate.js';
import { startWorking, type Working } from './worker-loops.js';

export type { CaptureFinding, CaptureFindingKind, NoticedFinding } from './base/capture-finding.js';
export type { Engine, Settings } from './base/engine.js';
export { type Problem, WebhooksError } from './base/errors.js';
export * from './base/model.js';
export type { Endpoint } from './base/network/guard.js';
export { announcedNode } from './base/own-node.js';
export { PACE_STATES } from './base/pace.js';
export { askFor, finderOf, finderProblems } from './base/query/finders.js';
export { limitErrors, parseWithin } from './base/query/query.js';
export { type QueryLimits, requestLimits } from './base/query/query-limits.js';
export { recall } from './base/recall.js';
export type { ReportStage, StageReport } from './base/report.js';
export { checkKeys, createVault } from './base/secrets/vault.js';
export { regionOf, topicArnOf } from './base/sns.js';
export { isOfTenant } from './base/store/announced-rows.js';
export { AUDIT_ACTIONS, type AuditAction, type Change, diffOf } from './base/store/audit.js';
export { type AuditEntry, type AuditFilter, countAuditOf, listAudit, listAuditOf } from './base/store/audit-log.js';
export {
  attemptsByIds,
  attemptsOf,
  countDeliveriesOf,
  type DeliveryFilter,
  deliveriesByIds,
  eventsByIds,
  listDeliveries,
  listDeliveriesOf,
  type VisibleEvent,
} from './base/store/deliveries.js';
export {
  countErrorsOf,
  type DeliveryError,
  dismissErrors,
  type ErrorFilter,
  errorsByIds,
  listErrors,
  listErrorsOf,
} from './base/store/errors.js';
export { PAGE, type Page, type PageArguments, type Rows, toCursor, toPage } from './base/store/page.js';
export { countReplays, listReplays, type ReplayFilter, replaysByIds } from './base/store/replays.js';
export { wipeOldSecrets } from './base/store/secrets.js';
export {
  countOfIntegrations,
  countSubscriptions,
  cursorOfSubscription,
  listSubscriptions,
  type SubscriptionFilter,
  subscriptionsByIds,
  subscriptionsOfIntegrations,
} from './base/store/subscriptions.js';
export { countTopics, listTopics, resolveTopic, type TopicFilter, topicsByIds } from './base/store/topics.js';
export { assignTenant, countWithoutTenant, type EventWithoutTenant, listWithoutTenant } from './base/store/without-tenant.js';
export type { PlannedStatement } from './capture/plan-capture.js';
export { findOutOfStep, outOfStep } from './capture/watch-capture.js';
export { ANNOUNCE, announceValues, isForHooks } from './gate/announce.js';
export type { TransactionQuery } from './gate/change.js';
export type { PlannedWrite, PlannedWrites } from './gate/find-hooks.js';
export { type Refusal, WriteRefused } from './gate/write-refused.js';
export type { AttemptWrite, AttemptWrites, Check } from './gate.js';
export { checkStored, type StoredFinding } from './operations/check-stored.js';
export { PRESETS, type Preset, type PresetKey, withPreset } from './operations/presets.js';
export { previewSubscription } from './operations/preview.js';
export { readiness, readinessAnswer } from './operations/readiness.js';
export { cancelReplay, type Replayed, type ReplayRange, replayEvents } from './operations/replay.js';
export { type Resealed, resealSecrets } from './operations/reseal-secrets.js';
export { type Released, type Resent, releaseHeldDeliveries, resendDelivery } from './operations/resend.js';
export { rotateSecret } from './operations/rotate-secret.js';
export { createSubscription, deleteSubscription, type SaveResult, type SubscriptionInput, updateSubscription } from './operations/save.js';
export { type Switched, switchGroup } from './operations/switch-group.js';
export { testSubscription } from './operations/test.js';
export type { TryReport, TryResult } from './operations/try-result.js';
export { type Finding, type WhyNot, type WhyNotQuestion, whyNot } from './operations/why-not.js';
export { isLonger } from './payload/run-query.js';
export type { Working } from './worker-loops.js';

export interface WebhooksOptions {
  /** Connections to the database of the host; the engine's tables live in its schema `hookgraph`. */
  pool: Pool;
  host: Host;
  /** 32-byte keys for secrets at rest, newest first. */
  keys: Buffer[];
  /** Reads them anew, where a key can come while this process runs. */
  reloadKeys?: () => Promise<Buffer[]>;
  settings: Settings;
  log: Logger;
  /** 0 ≤ x < 1; default Math.random. */
  random?: () => number;
}

export interface Webhooks {
  engine: Engine;
  /** Brings partitions, topics and triggers in step with the announced nodes; a no-op when they are. Only `migrate` calls it. */
  prepare(): Promise<void>;
  /** The statements that `prepare` would run, without running them. `isMigrated`: whether the engine's own tables are up to date. */
  plan(options: { isMigrated: boolean }): Promise<PlannedStatement[]>;
  /** Takes the triggers off every table and retires the topics; history stays. */
  detach(): Promise<void>;
  /** Throws WebhooksError KEYS_MISMATCH where this process lacks the key that the database's secrets are sealed with. */
  checkKeys(): Promise<void>;
  /** A write of the host's own that before-hooks may refuse: see Gate. Nothing else can be gated. */
  passGate: Gate['pass'];
  /** The same of a write of several rows. */
  passGateForAll: Gate['passAll'];
  /** A statement of the engine's as a connection of the host's needs it: with the schema that the engine's tables are in. */
  localSql(sql: string): string;
  /** After a commit that may have made events: the relay looks at once, here or in another process. */
  poke(): void;
  /** This is a part of Hookgraph: from now on no delivery of this process goes there. */
  forbid(endpoint: Endpoint): void;
  /**
   * Starts relaying, sending and recording in this process. Throws WebhooksError `CAPTURE_OUT_OF_STEP` where the announced tables are not
   * recorded as announced.
   */
  work(): Promise<Working>;
  close(): Promise<void>;
}

export function createWebhooks(options: WebhooksOptions): Webhooks {
  const { pool, host, settings, log, random = Math.random } = options;
  const vault = createVault(options.keys, options.reloadKeys);
  const guard = createGuard(settings);
  const renderer = createRenderer();
  const everyMs = settings.captureWatchMs ?? LOOK_MS;
  const capture = createCaptureWatch({ pool, host, log, everyMs });
  const engine: Engine = { pool, host, vault, renderer, settings, guard, log, capture, random };
  const poker = createPoker(pool);
  const gate = createGate(engine);
  let working: Working | undefined;
  return {
    engine,
    prepare: () => prepareCapture(pool, host.nodes, log),
    plan: (options) => planCapture(pool, host.nodes, options),
    detach: () => prepareCapture(pool, [], log),
    checkKeys: async () => void (await checkKeys(pool, vault)),
    passGate: gate.pass,
    passGateForAll: gate.passAll,
    localSql: (sql) => localSql(sql, schemaOf(pool)),
    poke: () => (working ?? poker).poke(),
    async work() {
      const started = await startWorking(engine, { capture, captureWatchMs: everyMs });
      working = started;
      let stopped: Promise<void> | undefined;
      const stop = () => {
        if (working === started) working = undefined;
        stopped ??= started.stop();
        return stopped;
      };
      return { ...started, stop };
    },
    forbid: guard.forbid,
    async close() {
      guard.close();
      await Promise.all([poker.stop(), gate.close()]);
      await Promise.all([poker.stop(), renderer.close()]);
    },
  };
}
