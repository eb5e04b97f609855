// Serves the benchmark's page without Hookgraph: findMany of a hundred people with two relations as JSON, without token or access rules.
import { createServer } from 'node:http';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../../src/generated/nodes/client.js';

const { DATABASE_URL = '', ORGANIZATION_ID = '', FIRST = '100' } = process.env;
const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: DATABASE_URL }) });

const server = createServer(async (_request, response) => {
  try {
    const users = await prisma.user.findMany({
      where: { organizationId: ORGANIZATION_ID },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      take: Number(FIRST),
      include: { organization: true, originGroup: true },
    });
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ users }));
  } catch (error) {
    console.error(error);
    response.statusCode = 500;
    response.end();
  }
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }));
process.on('disconnect', () => process.exit());
