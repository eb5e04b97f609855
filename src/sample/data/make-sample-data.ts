// Fills an empty database with two sample organizations; does nothing when there is data already.

import { generateToken, hashToken } from '../../auth/api-token.js';
import type { Prisma, PrismaClient } from '../../generated/nodes/client.js';
import { makeHistory } from './history.js';
import { makeOrganizations, SAMPLE } from './organizations.js';

type Transaction = Prisma.TransactionClient;

/** Key of the advisory lock that keeps concurrent processes from creating the data twice. The number is arbitrary. */
const LOCK = 72707370;

/**
 * Time limits of the transaction in milliseconds. `maxWait`: for getting a connection. `timeout`: for the inserts, on a slow machine or
 * while another process inserts.
 */
const LIMITS = { maxWait: 30_000, timeout: 120_000 };

/**
 * Returns the API token of the sample's admin; `null` when the data existed and no token was passed, because the database has only the
 * token's hash.
 */
export async function makeSampleData(prisma: PrismaClient, { adminToken }: { adminToken: string | null }): Promise<string | null> {
  return prisma.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCK})`;
    const isNew = (await tx.organization.findFirst({ select: { id: true } })) === null;
    const adminId = isNew ? await fill(tx) : await findAdmin(tx);
    if (adminId === null) return null;
    const token = adminToken ?? (isNew ? generateToken() : null);
    if (token === null) return null;
    await tx.apiToken.upsert({
      where: { tokenHash: hashToken(token) },
      create: { userId: adminId, name: 'sample data', tokenHash: hashToken(token) },
      update: {},
    });
    return token;
  }, LIMITS);
}

async function fill(tx: Transaction): Promise<string> {
  // Turns Hookgraph's recording of changes off, so that the historical data causes no events.
  await tx.$executeRaw`SELECT set_config('hookgraph.capture', 'off', true)`;
  const { organizationId, adminId, neighbourId } = await makeOrganizations(tx);
  await makeHistory(tx, {
    organizationId,
    domain: 'acme.example',
    seed: 1,
    size: { users: 30, scenarios: 5, sessions: 240, calls: 40 },
  });
  await makeHistory(tx, {
    organizationId: neighbourId,
    domain: 'globex.example',
    seed: 2,
    size: { users: 4, scenarios: 2, sessions: 12, calls: 3 },
  });
  return adminId;
}

async function findAdmin(tx: Transaction): Promise<string | null> {
  const admin = await tx.user.findFirst({
    where: { admin: true, disabled: false, organization: { permalink: SAMPLE } },
    orderBy: { createdAt: 'asc' },
    select: { id: true },
  });
  return admin?.id ?? null;
}
