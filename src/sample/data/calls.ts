// Creates an organization's calls of the last ninety days, with participants and recordings.
import { DAY_MS, type SampleContext, timestampsAt } from './sample-context.js';

export async function makeCalls(
  context: SampleContext,
  { count, userIds, environmentIds }: { count: number; userIds: string[]; environmentIds: (string | null)[] },
): Promise<void> {
  const { tx, organizationId, random } = context;
  const calls = Array.from({ length: count }, (_, index) => {
    const agoMs = Math.round(90 * DAY_MS * (1 - index / count)) + 7_200_000;
    const goesOn = index === count - 1;
    const lengthMs = random.between(60, 3600) * 1000;
    const made = timestampsAt(context, agoMs, goesOn ? agoMs : agoMs - lengthMs);
    const participantIds = random.some(userIds, random.between(2, 4));
    const row = {
      id: random.uuid(),
      organizationId,
      createdById: participantIds[0],
      environmentId: random.pick(environmentIds),
      state: goesOn ? ('STARTED' as const) : ('COMPLETED' as const),
      startedAt: made.createdAt,
      endedAt: goesOn ? null : made.updatedAt,
      externalData: { ticket: `T-${501 + index}`, topics: random.some(['leak', 'noise', 'spare part'], random.between(1, 2)) },
      ...made,
    };
    return { row, participantIds, lengthMs, isRecorded: !goesOn && random.chance(0.7) };
  });
  await tx.call.createMany({ data: calls.map(({ row }) => row) });
  const pairs = calls.flatMap(({ row, participantIds }) => participantIds.map((userId) => ({ callId: row.id, userId })));
  await tx.$executeRaw`
    INSERT INTO _call_participants ("A", "B")
    SELECT * FROM unnest(${pairs.map(({ callId }) => callId)}::uuid[], ${pairs.map(({ userId }) => userId)}::uuid[])`;
  await tx.callRecording.createMany({
    data: calls
      .filter(({ isRecorded }) => isRecorded)
      .map(({ row, lengthMs }) => ({
        id: random.uuid(),
        organizationId,
        callId: row.id,
        state: 'COMPLETED',
        fileUrl: `https://files.example/calls/${row.id}.mp4`,
        fileSize: Math.round(lengthMs * 40),
        duration: lengthMs / 1000,
        createdAt: row.updatedAt,
        updatedAt: row.updatedAt,
      })),
  });
}
