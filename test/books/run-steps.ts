// Runs a list of steps against the engine, ends everything that is open, and returns what contradicts. Keeps its own model of the committed
// changes, so that it also finds faults of the audit.
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
import { END_CONNECTIONS, keyIn, LEFT, REMEMBERED, REPLACED_BY_NOTHING, SKIPPED, UNFORGOTTEN } from './look-ups.js';
import { type Ended, Writer } from './writer.js';

export const WRITERS = 3;
const DAY_MS = 86_400_000;
const KEEP_ALL = { bodies: null, attempts: null, errors: null, events: null, bytes: null };
const ORDERINGS = ['PER_NODE', 'LATEST_ONLY'] as const;
const ORDERED = '{"node": "{{ notification.nodeId }}", "event": "{{ notification.eventId }}"}';

export class Run {
  readonly #pool: pg.Pool;
  readonly #ended: Ended = { committed: new Set(), rolledBack: new Set() };
  readonly #writers: Writer[];
  /** `announced`: things whose events retention may have deleted. `skipped`: things whose notification had been skipped by then. */
  readonly #retained = { announced: new Set<string>(), skipped: new Set<string>() };
  readonly #subscriptions: string[] = [];
  #worker: Working | null = null;

  private constructor(readonly world: EngineWorld) {
    this.#pool = new pg.Pool({ connectionString: world.db.url, max: WRITERS });
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => client.on('error', () => {}));
    this.#writers = Array.from({ length: WRITERS }, () => new Writer(this.#pool, this.#ended));
  }

  /** Runs the steps and returns each contradiction as a sentence; an empty list when there is none. */
  static async of(world: EngineWorld, steps: readonly string[]): Promise<string[]> {
    await world.clear();
    const run = new Run(world);
    try {
      await run.#begin();
      for (const step of steps) await run.#take(step);
      return await run.#end();
    } finally {
      for (const writer of run.#writers) await writer.close();
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
    // Makes the subscriptions older, because the audit ignores events during the creation of a subscription.
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
        return writer.insert();
      case 'update':
        return writer.change(`UPDATE public.things SET name = name || 'x'`);
      case 'delete':
        return writer.change('DELETE FROM public.things');
      case 'prepare':
        return writer.prepare();
      case 'commit':
        return writer.finish('COMMIT');
      case 'rollback':
        return writer.finish('ROLLBACK');
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
      case 'lose connections':
        return this.#loseConnections();
      case 'relay':
        return void (await relayOnce(pool));
      case 'make due':
        return this.#hurry();
      default:
        throw new Error(`There is no step ${step}.`);
    }
  }

  /** Requests to forget the thing of the oldest event for which this wasn't requested yet. */
  async #forget(): Promise<void> {
    const { rows } = await this.world.db.pool.query(UNFORGOTTEN);
    const { engine } = this.world.webhooks;
    if (rows[0]) await forgetNode(engine, OWNER, engine.host.toGlobalId('Thing', rows[0].node_key));
  }

  /**
   * Deletes the history that the organization would no longer keep tomorrow: everything that has ended by now. Stops the worker meanwhile,
   * so that the model knows all events that may be deleted.
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

  /** Returns the things for which an event exists. */
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

  /** Ends all connections, as a restart of Postgres does: open transactions are lost, prepared transactions stay. */
  async #loseConnections(): Promise<void> {
    const { pool } = this.world.db;
    const client = new pg.Client({ connectionString: this.world.db.url });
    await client.connect();
    await client.query(END_CONNECTIONS);
    await client.end();
    for (const writer of this.#writers) writer.lose();
    // Waits, so that no later step gets a connection whose end the pool hasn't noticed.
    const all = () => Array.from({ length: pool.options.max }, () => pool.query('SELECT 1'));
    await until('the pool has working connections', async () =>
      (await Promise.allSettled(all())).every(({ status }) => status === 'fulfilled'),
    );
  }

  async #hurry(): Promise<void> {
    await makeDue(this.world.db.pool);
    await this.world.db.pool.query('UPDATE hookgraph.forgettings SET due_at = now()');
    while (await stepForgetting(this.world.db.pool, 1000));
    for (const id of this.#subscriptions) await endPause(this.world.db.pool, id);
  }

  /** Ends everything that is open, waits until no work is in progress, and returns the contradictions. */
  async #end(): Promise<string[]> {
    const { pool } = this.world.db;
    for (const writer of this.#writers) await writer.finish('COMMIT');
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
      ...[...this.#ended.committed].filter((id) => !recorded.has(id)).map((id) => `the committed thing ${id} has no event`),
      ...[...this.#ended.committed]
        .filter((id) => !received.has(id) && !skipped.has(id))
        .map((id) => `thing ${id} was created and not received`),
      ...ORDERINGS.flatMap((ordering) => this.#disorder(ordering)),
      ...(await pool.query(REPLACED_BY_NOTHING)).rows.map(({ id }) => `delivery ${id} was replaced, and is the last one of its node`),
      ...(await pool.query(REMEMBERED)).rows.map(({ id }) => `event ${id} still has the values of a forgotten thing`),
      ...[...this.#ended.rolledBack]
        .filter((id) => recorded.has(id) || received.has(id))
        .map((id) => `the rolled-back thing ${id} was announced`),
    ];
  }

  /** Lists the notifications that an ordered subscription sent out of order for their node. A retry may repeat the last notification. */
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
