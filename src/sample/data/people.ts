// Creates an organization's users and groups.
import { DAY_MS, type SampleContext, timestampsAt } from './sample-context.js';
import { FIRST_NAMES, GROUPS, JOB_TITLES, LAST_NAMES } from './words.js';

/** Creates groups and users. Returns the ids of all users of the organization who aren't disabled, including those that existed before. */
export async function makePeople(context: SampleContext, count: number): Promise<string[]> {
  const { tx, organizationId, domain, random } = context;
  const groups = GROUPS.map((name) => ({ id: random.uuid(), organizationId, name, ...timestampsAt(context, 100 * DAY_MS) }));
  await tx.group.createMany({ data: groups });
  const users = Array.from({ length: count }, (_, index) => {
    // With 18 first and 15 last names, no pair repeats within ninety users.
    const firstName = FIRST_NAMES[index % FIRST_NAMES.length] as string;
    const lastName = LAST_NAMES[index % LAST_NAMES.length] as string;
    const username = `${firstName}.${lastName}`
      .toLowerCase()
      .normalize('NFD')
      .replace(/[^a-z.]/g, '');
    return {
      id: random.uuid(),
      organizationId,
      originGroupId: random.pick(groups).id,
      firstName,
      lastName,
      username,
      email: `${username}@${domain}`,
      phone: `+49 30 5550 ${String(100 + index)}`,
      jobTitle: random.pick(JOB_TITLES),
      licenses: random.some(['VIEWER', 'AUTHOR', 'CALLER'], random.between(1, 2)),
      ...timestampsAt(context, random.between(91, 99) * DAY_MS),
    };
  });
  await tx.user.createMany({ data: users });
  const members = users.flatMap(({ id, originGroupId }) =>
    [...new Set([originGroupId, random.pick(groups).id])].map((groupId) => ({ groupId, userId: id })),
  );
  await tx.$executeRaw`
    INSERT INTO _group_members ("A", "B")
    SELECT * FROM unnest(${members.map(({ groupId }) => groupId)}::uuid[], ${members.map(({ userId }) => userId)}::uuid[])`;
  const everybody = await tx.user.findMany({ where: { organizationId, disabled: false }, select: { id: true }, orderBy: { email: 'asc' } });
  return everybody.map(({ id }) => id);
}
