// `hookgraph migrate` without --app: migrates the sample product's database.
import type { Cli } from '../command.js';
import { openInstallation } from '../installation.js';
import { makeSampleData } from '../sample-data.js';

export async function migrateDatabase(
  { sampleData, json }: { sampleData: boolean; json: boolean },
  { terminal, env }: Pick<Cli, 'terminal' | 'env'>,
): Promise<void> {
  const installation = await openInstallation({ prepare: true, join: true, env, say: json ? () => {} : terminal.say });
  try {
    const adminToken = sampleData ? await makeSampleData(installation) : null;
    if (json) return terminal.jsonLine({ upToDate: true, sampleData, adminToken });
    if (sampleData) terminal.say(adminToken ? `The sample data exists. Token of its admin: ${adminToken}` : 'The sample data exists.');
    terminal.say('The database is up to date.');
  } finally {
    await installation.close();
  }
}
