// A database in, an up-to-date one out: tables of both rooms, topics, triggers.
import { openInstallation } from '../installation.js';
import { makeSampleData } from '../sample-data.js';

export async function migrateDatabase({ sampleData }: { sampleData: boolean }): Promise<void> {
  const installation = await openInstallation({ prepare: true, join: true });
  try {
    if (sampleData) {
      const token = await makeSampleData(installation);
      console.log(token ? `The sample data is there; its admin's token: ${token}` : 'The sample data is there.');
    }
    console.log('The database is up to date.');
  } finally {
    await installation.close();
  }
}
