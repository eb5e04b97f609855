// Records finished attempts of tests and before-hooks, with deliveries that are final and never queued.
import type { Pool, PoolClient } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';
import type { Engine } from '../base/engine.js';
import { afterOnlyAttempt } from '../base/store/delivery-state.js';
import { ExchangeRows } from '../base/store/exchanges.js';
import { isError, toMicroseconds } from './attempt-batch.js';
import { reportOnlyAttempt } from './attempt-log.js';
import type { AttemptRecord } from './attempt-record.js';
import { storable } from './storable.js';

const RECORD = sqlStatement<string>('webhooks/verdict/record-ended.sql');

export interface EndedRecord {
  topicId: string;
  reason?: 'VALIDATION' | 'REFUSED' | 'ALLOWED' | null;
  attempt: AttemptRecord;
}

/** Records and logs attempts of tests and before-hooks. A test's attempt never counts towards disabling its subscription. */
export async function recordEnded(engine: Pick<Engine, 'pool' | 'log' | 'settings' | 'meter'>, records: EndedRecord[]): Promise<void> {
  await insertEnded(engine.pool, records);
  for (const { attempt } of records) reportOnlyAttempt(engine, attempt);
}

/** Inserts all records in one statement. */
export async function insertEnded(db: Pool | PoolClient, records: EndedRecord[]): Promise<void> {
  const exchangeRows = new ExchangeRows();
  const places = records.map(({ attempt }) => exchangeRows.add(attempt, isError(attempt)));
  await exchangeRows.compressed();
  const { entries, areErrors } = exchangeRows.toParameters();
  const column = <T>(read: (record: EndedRecord) => T) => records.map(read);
  const parameters = {
    ids: column((record) => record.attempt.delivery.id),
    subscription_ids: column((record) => record.attempt.definition.subscriptionId),
    topic_ids: column((record) => record.topicId),
    kinds: column((record) => record.attempt.delivery.kind),
    typenames: column((record) => record.attempt.delivery.typename),
    node_keys: column((record) => record.attempt.delivery.nodeKey),
    states: column((record) => afterOnlyAttempt(record.attempt.outcome)),
    reasons: column((record) => record.reason ?? null),
    versions: column((record) => record.attempt.definition.version),
    outcomes: column((record) => record.attempt.outcome),
    stages: column((record) => record.attempt.stage),
    messages: column((record) => storable(record.attempt.message)),
    started_at: column((record) => record.attempt.startedAt),
    durations_ms: column((record) => record.attempt.durationMs),
    query_us: column((record) => toMicroseconds(record.attempt.timings.queryMs)),
    render_us: column((record) => toMicroseconds(record.attempt.timings.renderMs)),
    auth_us: column((record) => toMicroseconds(record.attempt.timings.authMs)),
    send_us: column((record) => toMicroseconds(record.attempt.timings.sendMs)),
    first_byte_us: column((record) => toMicroseconds(record.attempt.timings.firstByteMs)),
    statuses: column((record) => record.attempt.response?.status ?? null),
    exchanges: places.map((exchange) => exchange?.row ?? null),
    places: places.map((exchange) => exchange?.place ?? null),
    exchange_entries: entries,
    exchange_errors: areErrors,
  };
  await db.query(RECORD.text, RECORD.values(parameters));
}
