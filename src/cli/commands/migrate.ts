// `hookgraph migrate` without --app: migrates the sample product's database.
import { openInstallation } from '../installation.js';
import { makeSampleData } from '../sample-data.js';

export async function migrateDatabase({ sampleData, json }: { sampleData: boolean; json: boolean }): Promise<void> {
  const installation = await openInstallation({ prepare: true, join: true, ...(json && { say: () => {} }) });
  try {
    const adminToken = sampleData ? await makeSampleData(installation) : null;
    if (json) return console.log(JSON.stringify({ upToDate: true, sampleData, adminToken }));
    if (sampleData) console.log(adminToken ? `The sample data exists. Token of its admin: ${adminToken}` : 'The sample data exists.');
    console.log('The database is up to date.');
  } finally {
    await installation.close();
  }
}
