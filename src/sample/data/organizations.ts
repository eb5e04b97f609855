// Creates two organizations with the people and objects that guides and tests refer to by name.
import type { Prisma } from '../../generated/nodes/client.js';

/** The permalinks (unique short names) of the two organizations. */
export const SAMPLE = 'acme';
const OTHER = 'globex';

export interface SampleOrganizations {
  organizationId: string;
  adminId: string;
  /** Id of the second organization, whose data users of the first one must not see. */
  neighbourId: string;
}

export async function makeOrganizations(tx: Prisma.TransactionClient): Promise<SampleOrganizations> {
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
  return { organizationId, adminId: admin.id, neighbourId: await makeNeighbour(tx) };
}

async function makeNeighbour(tx: Prisma.TransactionClient): Promise<string> {
  const { id: organizationId } = await tx.organization.create({ data: { name: 'Globex', permalink: OTHER } });
  const { id: createdById } = await tx.user.create({
    data: { organizationId, firstName: 'Hank', lastName: 'Scorpio', email: 'hank@globex.example', admin: true },
  });
  const scenario = await tx.scenario.create({ data: { organizationId, name: 'Evacuate the volcano', authorId: createdById } });
  await tx.scenarioSession.create({ data: { organizationId, scenarioId: scenario.id, createdById } });
  return organizationId;
}
