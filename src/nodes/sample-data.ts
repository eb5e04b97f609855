// An empty domain in, two small organizations to play with out; nothing where there is data already.
import type { Prisma, PrismaClient } from '../generated/nodes/client.js';
import { generateToken, hashToken } from './api-token.js';

type Transaction = Prisma.TransactionClient;

/** Told apart by their permalinks. */
const SAMPLE = 'acme';
const OTHER = 'globex';

/** Any number of ours: processes that start together make the data once. */
const LOCK = 72707370;

/** Answers the admin's token where it was given, or was generated just now. */
export async function makeSampleData(prisma: PrismaClient, { adminToken }: { adminToken: string | null }): Promise<string | null> {
  return prisma.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCK})`;
    const isNew = (await tx.organization.findFirst({ select: { id: true } })) === null;
    const adminId = isNew ? await makeOrganizations(tx) : await findAdmin(tx);
    if (adminId === null) return null;
    const token = adminToken ?? (isNew ? generateToken() : null);
    if (token === null) return null;
    await tx.apiToken.upsert({
      where: { tokenHash: hashToken(token) },
      create: { userId: adminId, name: 'sample data', tokenHash: hashToken(token) },
      update: {},
    });
    return token;
  });
}

async function findAdmin(tx: Transaction): Promise<string | null> {
  const admin = await tx.user.findFirst({
    where: { admin: true, disabled: false, organization: { permalink: SAMPLE } },
    orderBy: { createdAt: 'asc' },
    select: { id: true },
  });
  return admin?.id ?? null;
}

async function makeOrganizations(tx: Transaction): Promise<string> {
  const { id: organizationId } = await tx.organization.create({ data: { name: 'Acme Training', permalink: SAMPLE } });
  const technicians = await tx.group.create({ data: { organizationId, name: 'Technicians' } });
  const trainers = await tx.group.create({ data: { organizationId, name: 'Trainers' } });
  const person = (firstName: string, lastName: string, more: Partial<Prisma.UserUncheckedCreateInput>) =>
    tx.user.create({
      data: {
        organizationId,
        firstName,
        lastName,
        username: `${firstName}.${lastName}`.toLowerCase(),
        email: `${firstName}@acme.example`.toLowerCase(),
        ...more,
      },
    });
  const admin = await person('Ada', 'Lovelace', { admin: true, jobTitle: 'Head of training', groups: { connect: { id: trainers.id } } });
  const alain = await person('Alain', 'Bloch', {
    jobTitle: 'Technician',
    originGroupId: technicians.id,
    groups: { connect: { id: technicians.id } },
  });
  const grace = await person('Grace', 'Hopper', {
    jobTitle: 'Technician',
    originGroupId: technicians.id,
    groups: { connect: { id: technicians.id } },
  });
  await person('Linus', 'Gone', { disabled: true });
  const pump = await tx.scenario.create({
    data: {
      organizationId,
      name: 'Change the filter of a pump',
      description: 'From shutting the valve to the test run.',
      authorId: admin.id,
      originGroupId: trainers.id,
      publishedAt: new Date(),
    },
  });
  const draft = await tx.scenario.create({ data: { organizationId, name: 'Start a cold boiler', authorId: admin.id } });
  const hourAgo = new Date(Date.now() - 3_600_000);
  await tx.scenarioSession.createMany({
    data: [
      {
        organizationId,
        scenarioId: pump.id,
        createdById: alain.id,
        startedAt: hourAgo,
        numberOfStepsPossible: 12,
        numberOfStepsViewed: 4,
        externalData: { workOrder: 'WO-1001', tags: ['pump', 'hall 3'] },
      },
      {
        organizationId,
        scenarioId: pump.id,
        createdById: grace.id,
        state: 'PAUSED',
        startedAt: hourAgo,
        idleDuration: 300,
        numberOfStepsPossible: 12,
        numberOfStepsViewed: 7,
      },
      {
        organizationId,
        scenarioId: draft.id,
        createdById: alain.id,
        state: 'COMPLETED',
        startedAt: hourAgo,
        endedAt: new Date(),
        numberOfStepsPossible: 5,
        numberOfStepsViewed: 5,
      },
    ],
  });
  await makeNeighbour(tx);
  return admin.id;
}

/** Somebody else's data, so that one can see that one can't see it. */
async function makeNeighbour(tx: Transaction): Promise<void> {
  const { id: organizationId } = await tx.organization.create({ data: { name: 'Globex', permalink: OTHER } });
  const { id: createdById } = await tx.user.create({
    data: { organizationId, firstName: 'Hank', lastName: 'Scorpio', email: 'hank@globex.example', admin: true },
  });
  const scenario = await tx.scenario.create({ data: { organizationId, name: 'Evacuate the volcano', authorId: createdById } });
  await tx.scenarioSession.create({ data: { organizationId, scenarioId: scenario.id, createdById } });
}
