export { installationRetention, keepHistory, type SavedRetention, type TenantRetention } from './operations/tenant-retention.js';

// Exports the engine's public interface: createWebhooks() and its types.

import type { Pool } from 'pg';
import type { Logger } from '../runtime/logger.js';
import { localSql, schemaOf } from '../runtime/schema-name.js';
import { deadlinesOf } from './base/deadlines.js';
import type { Engine, Settings } from './base/engine.js';
import { createLoops } from './base/loops.js';
import { type Meter, NO_METER } from './base/meter.js';
import type { Host } from './base/model.js';
import { createGuard } from './base/network/address-guard.js';
import type { Endpoint } from './base/network/guard.js';
import { checkKeys, createVault } from './base/secrets/vault.js';
import { createRenderer } from './base/templates/renderer.js';
import { type PlannedStatement, planCapture } from './capture/plan-capture.js';
import { prepareCapture } from './capture/prepare-capture.js';
import { CHECK_MS, createCaptureWatch } from './capture/watch-capture.js';
import { createPoker } from './fan-out/create-poker.js';
import { createGate, type Gate } from './guard-writes.js';
import { previewSubscription as preview } from './operations/preview.js';
import { rehearseDraft as draft } from './operations/rehearsal/draft.js';
import { rehearseErrorTemplate as errorTemplate } from './operations/rehearsal/error-template.js';
import { orBusy } from './operations/rehearsal/rehearse.js';
import { rehearseReplay as replay } from './operations/rehearsal/replay.js';
import { testSubscription as test } from './operations/test.js';
import { orTryAgain } from './operations/try-result.js';
import { startWorking, type Working } from './worker-loops.js';

export type { CaptureFinding, CaptureFindingKind, NoticedFinding } from './base/capture-finding.js';
export { type Deadlines, deadlinesOf, type Limits, QUERY_WAIT_MS } from './base/deadlines.js';
export type { DestinationOptions, Engine, Settings } from './base/engine.js';
export { type Place, type Problem, WebhooksError } from './base/errors.js';
export type { LoopState } from './base/loops.js';
export { type DisablingRule, type Meter, NO_METER, type PutBackCause } from './base/meter.js';
export * from './base/model.js';
export type { Endpoint } from './base/network/guard.js';
export { announcedNode } from './base/own-node.js';
export { PACE_STATES } from './base/pace.js';
export { executeInTurns } from './base/query/execute-in-turns.js';
export { askFor, finderOf, finderProblems } from './base/query/finders.js';
export { limitErrors, parseWithin } from './base/query/query.js';
export { type QueryLimits, requestLimits } from './base/query/query-limits.js';
export { recall } from './base/recall.js';
export type { StageReport } from './base/report.js';
export { checkKeys, createVault } from './base/secrets/vault.js';
export { REPORT_STAGES, STAGES } from './base/stages.js';
export { isOfTenant } from './base/store/announced-rows.js';
export {
  countAttempts,
  countedUntil,
  durationsOf,
  type Period,
  percentileOf,
  STATS_LIMITS,
  type StatsBucket,
  statsOf,
  toPeriod,
} from './base/store/attempt-stats.js';
export { type AttemptSummary, attemptsByIds, attemptsOf, lastAttemptsOf } from './base/store/attempts.js';
export { AUDIT_ACTIONS, type AuditAction, type Change, diffOf } from './base/store/audit.js';
export { type AuditEntry, type AuditFilter, countAuditOf, listAudit, listAuditOf } from './base/store/audit-log.js';
export { bulkActionsByIds, countBulkActions, listBulkActions } from './base/store/bulk-actions.js';
export { type ChangePage, type ChangesHeld, changesHeld, describeHeld, readChanges } from './base/store/changes.js';
export {
  countDeliveriesOf,
  type DeliveryFilter,
  deliveriesByIds,
  eventContents,
  eventsByIds,
  listDeliveries,
  listDeliveriesOf,
  SEARCHED_DAYS,
  type VisibleEvent,
} from './base/store/deliveries.js';
export { findDeliveries } from './base/store/delivery-search.js';
export { REPLAY_OBSTACLES, type ReplayObstacle } from './base/store/delivery-state.js';
export {
  countErrorsOf,
  type DeliveryError,
  type ErrorFilter,
  errorsByIds,
  listErrors,
  listErrorsOf,
} from './base/store/errors.js';
export { type EventFilter, LISTED_HOURS, listEvents } from './base/store/events.js';
export { countForgettings, type Forgetting, listForgettings } from './base/store/forgettings.js';
export { type PrunedHistory, pruneHistory } from './base/store/history.js';
export { type ApiAddress, readApiAddress, storeApiAddress } from './base/store/installation.js';
export { countMissedOf, describeMissed, type MissedEvents, MOST_SUBSCRIPTIONS } from './base/store/missed-events.js';
export { type Neighbour, neighboursOf } from './base/store/ordered-deliveries.js';
export { PAGE, type Page, type PageArguments, type PartOfRows, type Rows, toCursor, toPage } from './base/store/page.js';
export { countReplays, listReplays, type ReplayFilter, replaysByIds } from './base/store/replays.js';
export {
  type HistorySizes,
  pauseRetention,
  type RetentionState,
  readRetention,
  readSizes,
  runRetention,
} from './base/store/retention.js';
export { DEFAULT_RETENTION, type Retention } from './base/store/retention-limits.js';
export { wipeOldSecrets } from './base/store/secrets.js';
export {
  countOfIntegrations,
  countSubscriptions,
  cursorOfSubscription,
  listSubscriptions,
  SUBSCRIPTION_ORDERS,
  type SubscriptionFilter,
  subscriptionsOfIntegrations,
} from './base/store/subscription-lists.js';
export { subscriptionsByIds } from './base/store/subscriptions.js';
export { countRetentionChanges, listRetentionChanges, type RetentionChange, readTenantRetention } from './base/store/tenant-retention.js';
export { countOfTenant, listOfTenant } from './base/store/tenant-subscriptions.js';
export { countTopics, listTopics, resolveTopic, type TopicFilter, topicsByIds } from './base/store/topics.js';
export type { UnreadUpdates } from './base/store/unread-updates.js';
export { type SubscriptionVersion, versionsOf } from './base/store/versions.js';
export { assignTenant, countWithoutTenant, type EventWithoutTenant, listWithoutTenant } from './base/store/without-tenant.js';
export { describeWorkers, readWorkers } from './base/store/workers.js';
export { timeOfId } from './base/time-of-id.js';
export type { PlannedStatement } from './capture/plan-capture.js';
export { findSilencedWriters } from './capture/silenced-writers.js';
export { findOutOfStep, outOfStep } from './capture/watch-capture.js';
export { type DestinationOffer, describeDestinationOptions, destinationOffers, readDestinationOptions } from './destinations/options.js';
export { ANNOUNCE, announceValues, isForHooks } from './gate/announce.js';
export type { TransactionQuery } from './gate/change.js';
export type { PlannedWrite, PlannedWrites } from './gate/find-hooks.js';
export { type Refusal, WriteRefused } from './gate/write-refused.js';
export type { AttemptWrite, AttemptWrites, Check } from './guard-writes.js';
export {
  type Account,
  type Audit,
  type AuditFinding,
  type AuditScope,
  add as addToAudit,
  audit,
  describeFinding,
} from './operations/books/audit.js';
export { AUDIT_CODES, AUDIT_FAULTS, type AuditCode, type AuditFault } from './operations/books/codes.js';
export {
  type BulkSelection,
  type BulkStarted,
  cancelBulkAction,
  deleteErrors,
  deleteErrorsById,
  MAX_BULK_IDS,
  resendDeliveries,
} from './operations/bulk-actions.js';
export { checkStored, type StoredFinding } from './operations/check-stored.js';
export { type BodySchema, bodySchema } from './operations/contract/body-schema.js';
export { destinationText, EGRESS_SOURCES, type Egress, type EgressField, egressOf } from './operations/contract/egress.js';
export { inferSchema } from './operations/contract/infer-schema.js';
export { observedBodies } from './operations/contract/observed.js';
export { type CreateResult, createSubscription, createSubscriptions } from './operations/create.js';
export { type Decision, decisionsOf } from './operations/decisions.js';
export { BODY_STATES, deliveriesAfter, type NumberedDeliveries, type NumberedDelivery } from './operations/deliveries-after.js';
export { isActor, listMatchingEvents, type Matching } from './operations/event-log.js';
export { examplePayload } from './operations/example-payload.js';
export { type FoundNode, recentNodes } from './operations/find-node.js';
export { type Forgotten, forgetNode } from './operations/forget.js';
export { describePayload, type JsonSchema } from './operations/payload-schema.js';
export { PRESETS, type Preset, type PresetKey, withPreset } from './operations/presets.js';
export { MAX_COUNTED, type QueueState, readQueueState } from './operations/read-queue-state.js';
export { readiness, readinessAnswer } from './operations/readiness.js';
export type { BodyChange } from './operations/rehearsal/body-changes.js';
export type { DraftRehearsal } from './operations/rehearsal/draft.js';
export type { ErrorTemplateRehearsal, JudgedAnswer } from './operations/rehearsal/error-template.js';
export type { Rehearsal, Rehearsed, RehearsedEvent } from './operations/rehearsal/rehearse.js';
export { cancelReplay, dryRunReplay, type ReplayDryRun, type Replayed, type ReplayScope, replayEvents } from './operations/replay.js';
export { type Resealed, resealSecrets } from './operations/reseal-secrets.js';
export { type Released, type Resent, releaseHeldDeliveries, resendDelivery } from './operations/resend.js';
export { rotateSecret } from './operations/rotate-secret.js';
export { deleteSubscription, type SaveResult, type SubscriptionInput, updateSubscription } from './operations/save.js';
export { snapshotSubscription } from './operations/snapshot.js';
export { type Switched, switchGroup } from './operations/switch-group.js';
export type { TryReport, TryResult } from './operations/try-result.js';
export { unreadUpdatesOf } from './operations/unread-updates.js';
export { type Finding, type WhyNot, type WhyNotQuestion, whyNot } from './operations/why-not.js';
export { WHY_NOT_CODES } from './operations/why-not-codes.js';
export { type ReadableEvent, readableRows } from './payload/readable-rows.js';
export { isLonger } from './payload/run-query.js';
export type { Working } from './worker-loops.js';

export const previewSubscription = orTryAgain(preview);
export const testSubscription = orTryAgain(test);
export const rehearseDraft = orBusy(draft);
export const rehearseErrorTemplate = orBusy(errorTemplate);
export const rehearseReplay = orBusy(replay);

export interface WebhooksOptions {
  /** Connections to the host's database, where the engine's tables are in the schema `hookgraph`. */
  pool: Pool;
  host: Host;
  /** Keys of 32 bytes that encrypt stored secrets, newest first. */
  keys: Buffer[];
  /** Reloads the keys; give it when keys can be added while this process runs. */
  reloadKeys?: () => Promise<Buffer[]>;
  settings: Settings;
  log: Logger;
  /** Receives what the engine measures, such as attempts and failures, for metrics. Default: nothing is measured. */
  meter?: Meter;
  /** Returns a random number, 0 ≤ x < 1. Default: Math.random. */
  random?: () => number;
}

export interface Webhooks {
  engine: Engine;
  /**
   * Creates missing partitions of the engine's tables, and makes topics and triggers match the types that the host announces. Idempotent.
   */
  prepare(): Promise<void>;
  /** Returns the statements that `prepare` would run. `isMigrated` says whether the engine's own tables are up to date. */
  plan(options: { isMigrated: boolean }): Promise<PlannedStatement[]>;
  /**
   * Drops the triggers on all tables of the host, and retires their topics: they get no more events. Recorded events and deliveries are
   * kept.
   */
  detach(): Promise<void>;
  /**
   * Checks the encryption keys.
   * @throws WebhooksError KEYS_MISMATCH when this process lacks the key that encrypts the stored secrets
   */
  checkKeys(): Promise<void>;
  /**
   * Runs a write of the host that before-hooks (subscriptions called before a write) may refuse; see Gate. Writes that don't use this
   * function call no before-hooks.
   */
  passGate: Gate['pass'];
  /** Like `passGate`, for a write of several rows. */
  passGateForAll: Gate['passAll'];
  /** Replaces the schema name in one of the engine's statements by the actual name, so that the host can run it on its own connection. */
  localSql(sql: string): string;
  /**
   * Returns the numbers of deliveries in progress and of attempts whose results are not written yet; `null` when no worker runs in this
   * process.
   */
  working(): ReturnType<Working['state']> | null;
  /**
   * Call it after a commit that may have changed announced rows, so that a worker in this or another process creates the deliveries at
   * once.
   */
  poke(): void;
  /**
   * Refuses an address of Hookgraph itself, such as the port of its API, as a destination: this process then never sends deliveries to it.
   */
  forbid(endpoint: Endpoint): void;
  /**
   * Starts a worker in this process, which turns recorded changes into deliveries, sends them and records the attempts.
   * @throws WebhooksError CAPTURE_OUT_OF_STEP when the triggers don't record the tables as the host announces them
   */
  work(): Promise<Working>;
  close(): Promise<void>;
}

export function createWebhooks(options: WebhooksOptions): Webhooks {
  const { pool, host, settings, log, random = Math.random } = options;
  const deadlines = deadlinesOf(settings.limits);
  const vault = createVault(options.keys, options.reloadKeys);
  const guard = createGuard(settings);
  const meter = options.meter ?? NO_METER;
  const renderer = createRenderer({ onDeath: (by) => meter.rendererEnded(by === 'template' ? 'TEMPLATE' : 'UNKNOWN') });
  const everyMs = settings.captureWatchMs ?? CHECK_MS;
  const capture = createCaptureWatch({ pool, host, log, everyMs });
  const loops = createLoops(deadlines.stallMs);
  const engine: Engine = { pool, host, vault, renderer, settings, deadlines, meter, loops, guard, log, capture, random };
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
    working: () => working?.state() ?? null,
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
