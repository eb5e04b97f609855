// Creates training sessions of the last ninety days, with their parts, steps, events, photos and checkboxes.
import type { Prisma } from '../../generated/nodes/client.js';
import { insertRows } from './insert-rows.js';
import { DAY_MS, type SampleContext, timestampsAt } from './sample-context.js';
import type { Release } from './scenarios.js';
import { ANSWERS, PART_NUMBERS, SESSION_TYPES, type StepWords } from './words.js';

interface Rows {
  sessions: Prisma.ScenarioSessionCreateManyInput[];
  parts: Prisma.ScenarioSessionPartCreateManyInput[];
  steps: Prisma.ScenarioSessionStepCreateManyInput[];
  attachments: Prisma.AttachmentCreateManyInput[];
  events: Prisma.ScenarioSessionEventCreateManyInput[];
  checkboxes: Prisma.ScenarioSessionCheckboxCreateManyInput[];
}

const MINUTE_MS = 60_000;

export async function makeSessions(
  context: SampleContext,
  { count, userIds, releases }: { count: number; userIds: string[]; releases: Release[] },
): Promise<void> {
  const { tx, organizationId } = context;
  const rows: Rows = { sessions: [], parts: [], steps: [], attachments: [], events: [], checkboxes: [] };
  for (let number = 0; number < count; number++) addSession(context, { number, count, userIds, releases, rows });
  await insertRows(tx, 'ScenarioSession', rows.sessions);
  await insertRows(tx, 'ScenarioSessionPart', rows.parts);
  await insertRows(tx, 'ScenarioSessionStep', rows.steps);
  await insertRows(tx, 'Attachment', rows.attachments);
  await insertRows(tx, 'ScenarioSessionEvent', rows.events);
  await insertRows(tx, 'ScenarioSessionCheckbox', rows.checkboxes);
  // A photo and its event refer to each other, so one reference is set after both exist.
  await tx.$executeRaw`
    UPDATE attachments a SET scenario_session_event_id = e.id FROM scenario_session_events e
    WHERE e.photo_id = a.id AND a.organization_id = ${organizationId}::uuid`;
}

function addSession(
  context: SampleContext,
  { number, count, userIds, releases, rows }: { number: number; count: number; userIds: string[]; releases: Release[]; rows: Rows },
): void {
  const { organizationId, random } = context;
  // The sessions start between about ninety days and an hour ago. Only sessions of the last two days can be running.
  const agoMs = Math.round(90 * DAY_MS * (1 - number / count)) - random.between(0, 300) * MINUTE_MS + 301 * MINUTE_MS + 3_600_000;
  const release = random.pick(releases.filter(({ publishedAgoMs }) => publishedAgoMs > agoMs));
  const userId = random.pick(userIds);
  const isOld = agoMs > 2 * DAY_MS;
  const state = isOld ? (random.chance(0.95) ? 'COMPLETED' : 'PAUSED') : random.pick(['STARTED', 'PAUSED', 'COMPLETED'] as const);
  const done = state === 'COMPLETED' ? release.steps.length : random.between(1, release.steps.length - 1);
  const id = random.uuid();
  const takenMs = done * random.between(2, 9) * MINUTE_MS;
  const made = timestampsAt(context, agoMs, agoMs - takenMs);
  const endedAt = state === 'COMPLETED' ? made.updatedAt : null;
  const partCount = takenMs > 20 * MINUTE_MS ? 2 : 1;
  const idleDuration = (partCount - 1) * random.between(60, 600);
  rows.sessions.push({
    id,
    organizationId,
    scenarioId: release.scenarioId,
    scenarioReleaseId: release.id,
    createdById: userId,
    environmentId: release.environmentId,
    state,
    sessionType: random.pick(SESSION_TYPES),
    startedAt: made.createdAt,
    endedAt,
    idleDuration,
    numberOfStepsPossible: release.steps.length,
    numberOfStepsViewed: done,
    externalData: {
      workOrder: `WO-${2001 + number}`,
      priority: random.between(1, 3),
      partNumbers: random.some(PART_NUMBERS, random.between(1, 3)),
    },
    ...made,
  });

  const own = { organizationId, scenarioSessionId: id };
  const parts = Array.from({ length: partCount }, (_, index) => {
    const [from, until] = [agoMs - (index * takenMs) / partCount, agoMs - ((index + 1) * takenMs) / partCount];
    const isLast = index === partCount - 1;
    const stamps = timestampsAt(context, from, until);
    const ended = !isLast || endedAt !== null;
    return {
      ...own,
      id: random.uuid(),
      createdById: userId,
      state: ended ? ('COMPLETED' as const) : state,
      startedAt: stamps.createdAt,
      endedAt: ended ? stamps.updatedAt : null,
      externalData: { tablet: `T-${random.between(1, 20)}` },
      ...stamps,
    };
  });
  rows.parts.push(...parts);

  release.steps.slice(0, done).forEach(({ id: scenarioStepId, words }, index) => {
    const [from, until] = [agoMs - (index * takenMs) / done, agoMs - ((index + 1) * takenMs) / done];
    const stamps = timestampsAt(context, from, until);
    const isDone = state === 'COMPLETED' || index < done - 1;
    const part = parts[Math.floor((index * partCount) / done)];
    const stepId = random.uuid();
    rows.steps.push({
      ...own,
      id: stepId,
      scenarioSessionPartId: part?.id,
      scenarioStepId,
      state: isDone ? 'COMPLETED' : 'STARTED',
      startedAt: stamps.createdAt,
      completedAt: isDone ? stamps.updatedAt : null,
      ...stamps,
    });
    const at = { createdAt: stamps.updatedAt, updatedAt: stamps.updatedAt };
    rows.events.push({
      ...own,
      id: random.uuid(),
      scenarioSessionStepId: stepId,
      createdById: userId,
      type: 'step_viewed',
      ...timestampsAt(context, from),
    });
    if (words.asks && isDone) addAnswer(context, { words, at, own: { ...own, scenarioSessionStepId: stepId }, userId, rows });
  });
}

interface Answer {
  words: StepWords;
  at: { createdAt: Date; updatedAt: Date };
  own: { organizationId: string; scenarioSessionId: string; scenarioSessionStepId: string };
  userId: string;
  rows: Rows;
}

function addAnswer({ random }: SampleContext, { words, at, own, userId, rows }: Answer): void {
  const valueType = words.asks as NonNullable<StepWords['asks']>;
  const value = random.pick(ANSWERS[valueType]);
  const isFile = valueType === 'PHOTO' || valueType === 'VIDEO';
  const event = { ...own, id: random.uuid(), createdById: userId, type: isFile ? 'file_taken' : 'value_entered', valueType, ...at };
  if (!isFile) {
    rows.events.push({ ...event, eventData: { label: words.name, value } });
    if (valueType === 'CHECKBOX') rows.checkboxes.push({ ...own, id: random.uuid(), label: words.name, checked: value === true, ...at });
    return;
  }
  const id = random.uuid();
  rows.attachments.push({
    id,
    organizationId: own.organizationId,
    name: words.name,
    fileName: String(value),
    fileContentType: valueType === 'PHOTO' ? 'image/jpeg' : 'video/mp4',
    fileSize: random.between(80_000, 4_000_000),
    fileUrl: `https://files.example/${id}/${value}`,
    fileUpdatedAt: at.createdAt,
    ...at,
  });
  rows.events.push({ ...event, photoId: id, eventData: { label: words.name, fileName: value } });
}
