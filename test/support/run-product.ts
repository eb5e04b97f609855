// Runs the product's API and worker in this process, on a separate database.
import { startApi } from '../../src/api/index.js';
import { openInstallation } from '../../src/cli/installation.js';
import { startWorker } from '../../src/worker/index.js';
import { testDatabase } from './database.js';
import { clientOf, makePlace, type RunningProduct } from './product.js';
import { shareRenderer } from './shared-renderer.js';

/**
 * Runs the product in this process, which takes a fraction of the CPU of a new process. For tests that aren't about the processes of the
 * API and the worker. `worker`: whether a worker runs here, too. `now`: the clock of the console's sessions.
 */
export async function runProduct({
  worker = true,
  env = {},
  now = Date.now,
}: {
  worker?: boolean;
  now?: () => number;
  env?: Record<string, string>;
} = {}): Promise<RunningProduct> {
  const place = await makePlace(await testDatabase({ seeded: true }), env);
  const environment = { HOOKGRAPH_LOG_LEVEL: 'silent', ...place.environment };
  const installation = await openInstallation({ prepare: false, join: false, env: environment, say: () => {} });
  shareRenderer(installation.app.webhooks.engine);
  const api = await startApi(installation.app, { host: '127.0.0.1', port: 0, now });
  const working = worker ? await startWorker(installation.app, { isOwnProcess: false }) : null;
  return {
    ...place,
    ...clientOf(api.url),
    async close() {
      await Promise.all([working?.stop(), api.stop()]);
      await installation.close();
      await place.close();
    },
  };
}
