// An empty domain in, two organizations to explore out; nothing where there is data already.

import { generateToken, hashToken } from '../../auth/api-token.js';
import type { Prisma, PrismaClient } from '../../generated/nodes/client.js';
import { makeHistory } from './history.js';
import { makeOrganizations, SAMPLE } from './organizations.js';

type Transaction = Prisma.TransactionClient;

/** Any number of ours: processes that start together make the data once. */
const LOCK = 72707370;

/** Others wait for the first, and a small machine takes its time. */
const LIMITS = { maxWait: 30_000, timeout: 120_000 };

/** Answers the admin's token where it was given, or was generated just now. */
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
  // The past of a customer is nothing to be told of.
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
