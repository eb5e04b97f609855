// Runs a list of steps against the engine, ends everything that is open, and returns what doesn't balance. Keeps a model of its own of what
// was committed, so that a fault of the audit is found, too.
import type { ServerResponse } from 'node:http';
import pg from 'pg';
import { stepForgetting } from '../../src/webhooks/base/store/forgettings.js';
import { cleanTenants } from '../../src/webhooks/base/store/tenant-history.js';
import { saveTenantRetention } from '../../src/webhooks/base/store/tenant-retention.js';
import { relayOnce } from '../../src/webhooks/fan-out/relay.js';
import {
  audit,
  cancelReplay,
  describeFinding,
  forgetNode,
  pruneHistory,
  replayEvents,
  resendDelivery,
  updateSubscription,
  type Working,
} from '../../src/webhooks/index.js';
import { endPause, makeDue } from '../support/engine-rows.js';
import { type EngineWorld, OWNER } from '../support/engine-world.js';
import { until } from '../support/until.js';

/** A writer's open transaction, with the things that it inserted and did not touch again. */
interface Writer {
  client: pg.PoolClient | null;
  inserted: Set<string>;
}

export const WRITERS = 3;
const DAY_MS = 86_400_000;
const ORDERINGS = ['PER_NODE', 'LATEST_ONLY'] as const;
const ORDERED = '{"node": "{{ notification.nodeId }}", "event": "{{ notification.eventId }}"}';

export class Run {
  readonly #writers: Writer[] = Array.from({ length: WRITERS }, () => ({ client: null, inserted: new Set() }));
  readonly #pool: pg.Pool;
  readonly #created = new Set<string>();
  readonly #rolledBack = new Set<string>();
  /** The things whose events retention may have deleted, and those whose notification had been skipped until then. */
  readonly #retained = { announced: new Set<string>(), skipped: new Set<string>() };
  readonly #subscriptions: string[] = [];
  #worker: Working | null = null;

  private constructor(readonly world: EngineWorld) {
    this.#pool = new pg.Pool({ connectionString: world.db.url, max: WRITERS });
  }

  /** Runs the steps and returns the sentences that say what doesn't balance; none when all is well. */
  static async of(world: EngineWorld, steps: readonly string[]): Promise<string[]> {
    await world.clear();
    const run = new Run(world);
    try {
      await run.#begin();
      for (const step of steps) await run.#take(step);
      return await run.#end();
    } finally {
      for (const { client } of run.#writers) client?.release(true);
      await run.#pool.end();
    }
  }

  async #begin(): Promise<void> {
    const { receiver } = this.world;
    const to = (name: string) => ({ callbackUrl: `${receiver.url}/${name}` });
    this.#subscriptions.push(
      await this.world.subscribe({ topic: { key: 'thing/created' }, query: null, ...to('created') }),
      await this.world.subscribe({ topic: { key: 'thing/updated' }, query: null, coalescing: 'NONE', ...to('updated') }),
      await this.world.subscribe({
        topic: { key: 'thing/deleted' },
        validationTemplate: '{% if event.before.name contains "x" %}false{% else %}true{% endif %}',
        ...to('deleted'),
      }),
      ...(await Promise.all(
        ORDERINGS.map((ordering) =>
          this.world.subscribe({ topic: { key: 'thing/updated' }, ordering, query: null, template: ORDERED, ...to(ordering) }),
        ),
      )),
    );
    // As if they were old: what happens while a subscription is created is excused by the audit.
    await this.world.db.pool.query(`UPDATE hookgraph.subscriptions SET created_at = created_at - interval '1 hour'`);
    await saveTenantRetention(this.world.db.pool, OWNER, { bodies: 1, attempts: 1, errors: 1, events: 1 });
    this.#worker = await this.world.work();
  }

  async #take(step: string): Promise<void> {
    const [what = '', number = '0'] = step.split(/ by | of /);
    const writer = this.#writers[Number(number)] as Writer;
    const id = this.#subscriptions[Number(number)] as string;
    const { engine } = this.world.webhooks;
    const { pool } = this.world.db;
    switch (what) {
      case 'insert':
        return this.#insert(writer);
      case 'update':
        return this.#change(writer, `UPDATE public.things SET name = name || 'x'`);
      case 'delete':
        return this.#change(writer, 'DELETE FROM public.things');
      case 'commit':
        return this.#finish(writer, 'COMMIT');
      case 'rollback':
        return this.#finish(writer, 'ROLLBACK');
      case 'receiver fails':
        return this.#answer(500);
      case 'receiver throttles':
        return this.#answer(429);
      case 'receiver hangs up':
        this.world.receiver.answer = (response: ServerResponse) => void response.destroy();
        return;
      case 'receiver works':
        return this.#answer(200);
      case 'disable':
      case 'enable':
        return void (await updateSubscription(engine, OWNER, id, { disabled: what === 'disable' }));
      case 'replay missed':
      case 'replay all':
        return void (await replayEvents(engine, OWNER, id, { from: null, to: null, includesDelivered: what === 'replay all' }));
      case 'cancel replay': {
        const { rows } = await pool.query('SELECT id FROM hookgraph.replays WHERE subscription_id = $1', [id]);
        for (const replay of rows) await cancelReplay(engine, OWNER, replay.id);
        return;
      }
      case 'resend': {
        const { rows } = await pool.query('SELECT min(id) AS id FROM hookgraph.deliveries WHERE subscription_id = $1', [id]);
        if (rows[0].id !== null) await resendDelivery(engine, OWNER, rows[0].id);
        return;
      }
      case 'forget':
        return this.#forget();
      case 'prune':
        return void (await pruneHistory(pool, { before: new Date() }));
      case 'retain':
        return this.#retain();
      case 'stop worker':
        await this.#worker?.stop();
        this.#worker = null;
        return;
      case 'start worker':
        this.#worker ??= await this.world.work();
        return;
      case 'relay':
        return void (await relayOnce(pool));
      case 'make due':
        return this.#hurry();
      default:
        throw new Error(`There is no step ${step}.`);
    }
  }

  /** Asks to forget the thing of the oldest event that has not been asked for yet. */
  async #forget(): Promise<void> {
    const { rows } = await this.world.db.pool.query(UNFORGOTTEN);
    const { engine } = this.world.webhooks;
    if (rows[0]) await forgetNode(engine, OWNER, engine.host.toGlobalId('Thing', rows[0].node_key));
  }

  /**
   * Deletes what the organization keeps no longer, as it would tomorrow: what has ended by now. No worker runs meanwhile, so that the model
   * knows all events that may be deleted.
   */
  async #retain(): Promise<void> {
    const { pool } = this.world.db;
    const wasWorking = this.#worker !== null;
    await this.#take('stop worker');
    for (const id of await this.#announced()) this.#retained.announced.add(id);
    for (const id of await this.#skipped()) this.#retained.skipped.add(id);
    await cleanTenants(pool, KEEP_ALL, async () => true, new Date(Date.now() + DAY_MS));
    if (wasWorking) await this.#take('start worker');
  }

  /** Returns the things with an event. */
  async #announced(): Promise<Set<string>> {
    const { rows } = await this.world.db.pool.query(`SELECT node_key FROM hookgraph.events WHERE typename = 'Thing'`);
    return new Set(rows.map(({ node_key }) => node_key));
  }

  async #skipped(): Promise<Set<string>> {
    const { rows } = await this.world.db.pool.query(SKIPPED, [this.#subscriptions[0]]);
    return new Set(rows.map(({ node_key }) => node_key));
  }

  #answer(status: number): void {
    this.world.receiver.answer = (response: ServerResponse) => void response.writeHead(status, { 'retry-after': '1' }).end();
  }

  async #open(writer: Writer): Promise<pg.PoolClient> {
    if (writer.client) return writer.client;
    writer.client = await this.#pool.connect();
    await writer.client.query('BEGIN');
    return writer.client;
  }

  async #insert(writer: Writer): Promise<void> {
    const client = await this.#open(writer);
    const { rows } = await client.query(`INSERT INTO public.things (org, name) VALUES ('org', 'a') RETURNING id::text`);
    writer.inserted.add(rows[0].id);
  }

  /** Changes the oldest thing that no other writer has locked. */
  async #change(writer: Writer, sql: string): Promise<void> {
    const client = await this.#open(writer);
    const { rows } = await client.query(
      `${sql} WHERE id = (SELECT id FROM public.things ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id::text`,
    );
    // Several changes of a row by one transaction may be one event, or none.
    if (rows[0]) writer.inserted.delete(rows[0].id);
  }

  async #finish(writer: Writer, end: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    if (!writer.client) return;
    await writer.client.query(end);
    writer.client.release();
    const ended = end === 'COMMIT' ? this.#created : this.#rolledBack;
    for (const id of writer.inserted) ended.add(id);
    writer.client = null;
    writer.inserted = new Set();
  }

  async #hurry(): Promise<void> {
    await makeDue(this.world.db.pool);
    await this.world.db.pool.query('UPDATE hookgraph.forgettings SET due_at = now()');
    while (await stepForgetting(this.world.db.pool, 1000));
    for (const id of this.#subscriptions) await endPause(this.world.db.pool, id);
  }

  /** Ends what is open, waits until nothing is under way, and returns what doesn't balance. */
  async #end(): Promise<string[]> {
    const { pool } = this.world.db;
    for (const writer of this.#writers) await this.#finish(writer, 'COMMIT');
    this.#answer(200);
    for (const id of this.#subscriptions) await this.#take(`enable of ${this.#subscriptions.indexOf(id)}`);
    await this.#take('start worker');
    await until('nothing is under way', async () => {
      const { rows } = await pool.query(LEFT);
      if (Number(rows[0].left) === 0) return true;
      await this.#hurry();
      return false;
    });
    const { findings, accounts } = await audit(pool, { since: null, until: null, owner: null });
    const open = accounts.filter(({ code }) => !['DELIVERED', 'SKIPPED', 'HELD', 'CANCELLED', 'NOT_DUE', 'FORGOTTEN'].includes(code));
    const received = new Set(this.world.receiver.requests.filter(({ path }) => path === '/created').map(({ body }) => keyIn(body)));
    const recorded = new Set([...(await this.#announced()), ...this.#retained.announced]);
    const skipped = new Set([...(await this.#skipped()), ...this.#retained.skipped]);
    return [
      ...findings.map(describeFinding),
      ...open.map(({ code, reason, count }) => `${count} are ${code} ${reason ?? ''}`),
      ...[...this.#created].filter((id) => !recorded.has(id)).map((id) => `the committed thing ${id} has no event`),
      ...[...this.#created].filter((id) => !received.has(id) && !skipped.has(id)).map((id) => `thing ${id} was created and not received`),
      ...ORDERINGS.flatMap((ordering) => this.#disorder(ordering)),
      ...(await pool.query(REPLACED_BY_NOTHING)).rows.map(({ id }) => `delivery ${id} was replaced, and is the last one of its node`),
      ...(await pool.query(REMEMBERED)).rows.map(({ id }) => `event ${id} still has the values of a forgotten thing`),
      ...[...this.#rolledBack]
        .filter((id) => recorded.has(id) || received.has(id))
        .map((id) => `the rolled-back thing ${id} was announced`),
    ];
  }

  /** Lists the notifications that an ordered subscription sent out of order for their node. Retries repeat the last one. */
  #disorder(ordering: string): string[] {
    const last = new Map<string, bigint>();
    return this.world.receiver.requests.flatMap(({ path, body }) => {
      if (path !== `/${ordering}`) return [];
      const { node, event } = JSON.parse(body);
      const before = last.get(node) ?? 0n;
      last.set(node, BigInt(event));
      return BigInt(event) < before ? [`${ordering}: event ${event} came after ${before}`] : [];
    });
  }
}

const KEEP_ALL = { bodies: null, attempts: null, errors: null, events: null, bytes: null };

const LEFT = `
  SELECT (SELECT count(*) FROM hookgraph.captures) + (SELECT count(*) FROM hookgraph.event_queue) + (SELECT count(*) FROM hookgraph.fan_outs)
    + (SELECT count(*) FROM hookgraph.forgettings WHERE state = 'RUNNING')
    + (SELECT count(*) FROM hookgraph.replays WHERE state = 'RUNNING' OR (state = 'CANCELLED' AND NOT is_cleared))
    + (SELECT count(*) FROM hookgraph.open_deliveries WHERE held_for IS NULL OR held_for IN ('DISABLED', 'ORDER')) AS left`;

/** The things whose creation was skipped because the subscription was disabled, cancelled by a request to forget, or pruned afterwards. */
const SKIPPED = `
  SELECT e.node_key FROM hookgraph.events e
  LEFT JOIN hookgraph.deliveries d ON d.event_id = e.id AND d.subscription_id = $1 AND d.kind = 'LIVE'
  WHERE e.typename = 'Thing' AND e.operation = 'created' AND (d.state IN ('SKIPPED', 'CANCELLED') OR d.id IS NULL)`;

const UNFORGOTTEN = `
  SELECT e.node_key FROM hookgraph.recorded e
  WHERE e.typename = 'Thing' AND NOT EXISTS (SELECT FROM hookgraph.forgettings f WHERE f.node_key = e.node_key) ORDER BY e.id LIMIT 1`;

const REMEMBERED = `
  SELECT e.id FROM hookgraph.events e JOIN hookgraph.forgettings f ON f.typename = e.typename AND f.node_key = e.node_key
  WHERE e.id < f.id AND num_nonnulls(e.before, e.after, e.context) > 0`;

/** Deliveries that a later one of the same node was to replace, though there is none. */
const REPLACED_BY_NOTHING = `
  SELECT d.id FROM hookgraph.deliveries d
  WHERE d.reason = 'COALESCED' AND NOT EXISTS (SELECT FROM hookgraph.deliveries later
    WHERE later.subscription_id = d.subscription_id AND later.node_key = d.node_key AND later.event_id > d.event_id)`;

/** The key of the thing in the body of a notification without a query. */
const keyIn = (body: string): string | undefined => Buffer.from(JSON.parse(body).data.id, 'base64url').toString().split(':')[1];
