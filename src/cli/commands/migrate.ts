// `hookgraph migrate` without --app: migrates the sample product's database.
import type { Cli } from '../command.js';
import { openInstallation } from '../installation.js';
import { adminTokenFile, makeSampleData } from '../sample-data.js';

export async function migrateDatabase(
  { sampleData, json }: { sampleData: boolean; json: boolean },
  { terminal, env }: Pick<Cli, 'terminal' | 'env'>,
): Promise<void> {
  const installation = await openInstallation({ prepare: true, join: true, env, say: json ? () => {} : terminal.say });
  try {
    const { config } = installation;
    const token = sampleData ? await makeSampleData(installation) : null;
    // The token itself is printed only on a terminal, because a file or a log would keep it.
    const tokenIn = token === null ? null : config.adminToken === null ? adminTokenFile(config) : 'HOOKGRAPH_ADMIN_TOKEN';
    if (json) return terminal.jsonLine({ upToDate: true, sampleData, adminTokenIn: tokenIn });
    if (sampleData) terminal.say('The sample data exists.');
    if (token !== null) terminal.say(terminal.isTty ? `Token of its admin: ${token}` : `The token of its admin is in ${tokenIn}.`);
    terminal.say('The database is up to date.');
  } finally {
    await installation.close();
  }
}
