// Tests the reader of stored queries: executions share connections fairly and still batch their statements.
import { execute, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Prisma } from '../../../src/generated/nodes/client.js';
import { createFairShare } from '../../../src/runtime/fair-share.js';
import { createContext } from '../../../src/sample/graph/context.js';
import { datamodel } from '../../../src/sample/prisma.js';
import { startReading } from '../../../src/sources/limited-reader.js';
import { withOverlay } from '../../../src/sources/prisma/overlay.js';
import { readInShare } from '../../../src/sources/prisma/read-in-share.js';
import { type TestApp, testApp } from '../../support/app.js';
import { type CountingPrisma, openCountingPrisma } from '../../support/count-statements.js';

const known = { ...datamodel, Prisma };

let t: TestApp;
let counting: CountingPrisma;
beforeAll(async () => {
  t = await testApp();
  counting = openCountingPrisma(t.database.url);
});
afterAll(async () => {
  await counting.prisma.$disconnect();
  await t.close();
});

/** Runs ten executions of two organizations at once, on this number of connections. */
async function ten(query: string, connections: number): Promise<string[]> {
  const fairShare = createFairShare({ connections, maxWaitMs: 5000 });
  const ids = [await t.idOf('User', 'first_name', 'Alain'), await t.idOf('User', 'first_name', 'Hank')];
  counting.take();
  const answers = await Promise.all(
    Array.from({ length: 10 }, async (_, i) => {
      const viewer = i % 2 === 0 ? t.admin : t.stranger;
      const reading = startReading({ execution: fairShare.begin(viewer.organizationId), timeoutMs: 5000 });
      const prisma = withOverlay(known, counting.prisma, [], readInShare(reading));
      const contextValue = createContext({ prisma, viewer, webhooks: t.app.webhooks });
      return execute({ schema: t.app.schema, document: parse(query), contextValue, variableValues: { nodeId: ids[i % 2] } });
    }),
  );
  for (const { errors } of answers) expect(errors).toBeUndefined();
  return counting.take();
}

describe('ten stored queries at once', () => {
  it('ask for their nodes in one statement, whosever they are', async () => {
    expect(await ten('query ($nodeId: ID!) { node(id: $nodeId) { ... on User { name } } }', 18)).toHaveLength(1);
  });

  it('do so with what comes beside it, however few the connections', async () => {
    const query = 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { name organization { name } } } }';
    const plenty = (await ten(query, 18)).length;
    expect(plenty).toBeLessThanOrEqual(2);
    expect((await ten(query, 2)).length).toBeLessThanOrEqual(plenty + 2);
  });
});
