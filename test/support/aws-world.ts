// Starts an engine and a worker beside the services of AWS, with credentials in the environment of the process.
import { type Settings, type SubscriptionInput, updateSubscription } from '../../src/webhooks/index.js';
import { type AttemptRow, untilAttempts } from './attempts.js';
import { type Aws, startAws } from './aws.js';
import { type EngineWorld, OWNER, startEngineWorld } from './engine-world.js';

/** Credentials that the SDK's default chain finds. */
export const INSTALLATION = { AWS_ACCESS_KEY_ID: 'AKIAINSTALLATION0001', AWS_SECRET_ACCESS_KEY: 'installation', AWS_ENDPOINT_URL: '' };

export interface AwsWorld {
  aws: Aws;
  world: EngineWorld;
  /** Waits for the attempts of a subscription. */
  attempts(id: string, count: number): Promise<AttemptRow[]>;
  save(id: string, input: SubscriptionInput): ReturnType<typeof updateSubscription>;
  off(id: string): ReturnType<typeof updateSubscription>;
  /** Returns the actions that were called; if `accessKeyId` is given, only those with this access key. */
  actions(accessKeyId?: string): string[];
  stateOf(id: string): Promise<{ state: string; reason: string | null }[]>;
  /** Disables the subscriptions that a failed test left, and forgets all requests. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function startAwsWorld(settings: Partial<Settings>): Promise<AwsWorld> {
  const [aws, world] = await Promise.all([startAws(), startEngineWorld({ settings })]);
  Object.assign(process.env, { ...INSTALLATION, AWS_ENDPOINT_URL: aws.endpoint });
  await world.work();
  const { pool } = world.db;
  const save: AwsWorld['save'] = (id, input) => updateSubscription(world.webhooks.engine, OWNER, id, input);
  const off: AwsWorld['off'] = (id) => save(id, { disabled: true });
  return {
    aws,
    world,
    attempts: (id, count) => untilAttempts(pool, id, count),
    save,
    off,
    actions: (accessKeyId) =>
      aws.asked.filter((request) => accessKeyId === undefined || request.accessKeyId === accessKeyId).map(({ action }) => action),
    stateOf: async (id) => (await pool.query('SELECT state, reason FROM hookgraph.deliveries WHERE subscription_id = $1', [id])).rows,
    async reset() {
      const { rows } = await pool.query('SELECT id FROM hookgraph.subscriptions WHERE disabled_at IS NULL AND deleted_at IS NULL');
      await Promise.all(rows.map(({ id }) => off(id)));
      aws.answer = null;
      aws.asked.length = 0;
    },
    async close() {
      for (const name of Object.keys(INSTALLATION)) delete process.env[name];
      await world.close();
      await aws.close();
    },
  };
}
