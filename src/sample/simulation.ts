// Simulates the activity of a customer, such as training sessions and calls, by mutations through the API, one change at a time.
import { createRandom, type Random } from './data/random.js';
import { ANSWERS, FIRST_NAMES, JOB_TITLES, LAST_NAMES } from './data/words.js';

/** Runs a GraphQL query through the API and returns `data` of the response; throws when the response has errors. */
// biome-ignore lint/suspicious/noExplicitAny: each act reads what it asked for.
export type Ask = (query: string, variables?: Record<string, unknown>) => Promise<any>;

export interface Simulation {
  /** Makes one change through the API, and returns a sentence about it. */
  act(): Promise<string>;
}

interface Step {
  id: string;
  name: string;
}

interface Session {
  id: string;
  partId: string;
  name: string;
  state: 'STARTED' | 'PAUSED';
  steps: Step[];
  /** Id of the step that the person in this session has started last. */
  sessionStepId: string | null;
  done: number;
}

interface World {
  ask: Ask;
  random: Random;
  sessions: Session[];
  calls: string[];
  users: string[];
}

/** Maximum number of sessions that are open at once. */
const MOST_OPEN = 12;

export function createSimulation({ ask, seed }: { ask: Ask; seed: number }): Simulation {
  const world: World = { ask, random: createRandom(seed), sessions: [], calls: [], users: [] };
  return { act: () => nextAct(world)(world) };
}

type Act = (world: World) => Promise<string>;

function nextAct({ random, sessions, calls, users }: World): Act {
  const acts: Act[] = [continueSession, continueSession, continueSession, continueSession, continueSession, continueSession];
  if (sessions.length < MOST_OPEN) acts.push(startSession, startSession);
  if (calls.length < 3) acts.push(startCall);
  if (calls.length > 0) acts.push(endCall);
  acts.push(users.length > 0 && random.chance(0.6) ? promoteUser : createUser);
  const act = random.pick(acts);
  return act === continueSession && sessions.length === 0 ? startSession : act;
}

/** Creates or updates one node by a mutation and returns its id; throws an Error with the `errors` of the payload. */
async function write({ ask }: World, operation: 'create' | 'update', typename: string, values: Record<string, unknown>): Promise<string> {
  const node = typename.charAt(0).toLowerCase() + typename.slice(1);
  const answer = await ask(
    `mutation ($values: ${typename}Input) { written: ${operation}${typename}(${node}: $values) { errors { fullMessage } ${node} { id } } }`,
    { values },
  );
  const { errors, [node]: written } = answer.written;
  if (errors.length > 0) throw new Error(errors.map(({ fullMessage }: { fullMessage: string }) => fullMessage).join(', '));
  return written.id;
}

async function startSession(world: World): Promise<string> {
  const { random } = world;
  const { scenarios } = await world.ask(
    `{ scenarios(first: 100) { nodes { id name scenarioReleases(last: 1, orderBy: { attribute: "version" }) { nodes { id
       scenarioSteps(first: 100, orderBy: { attribute: "position" }) { nodes { id name } } } } } } }`,
  );
  const known = scenarios.nodes.filter(
    ({ scenarioReleases }: { scenarioReleases: { nodes: unknown[] } }) => scenarioReleases.nodes.length > 0,
  );
  if (known.length === 0) throw new Error('No scenario has a release: there is nothing to train');
  const scenario = random.pick<{
    id: string;
    name: string;
    scenarioReleases: { nodes: [{ id: string; scenarioSteps: { nodes: Step[] } }] };
  }>(known);
  const [release] = scenario.scenarioReleases.nodes;
  const id = await write(world, 'create', 'ScenarioSession', {
    scenarioId: scenario.id,
    scenarioReleaseId: release.id,
    sessionType: 'training',
    numberOfStepsPossible: release.scenarioSteps.nodes.length,
    externalData: { workOrder: `WO-${random.between(3001, 9999)}` },
  });
  const partId = await write(world, 'create', 'ScenarioSessionPart', { scenarioSessionId: id });
  world.sessions.push({
    id,
    partId,
    name: scenario.name,
    state: 'STARTED',
    steps: release.scenarioSteps.nodes,
    sessionStepId: null,
    done: 0,
  });
  return `started a session of “${scenario.name}”`;
}

async function continueSession(world: World): Promise<string> {
  const session = world.random.pick(world.sessions);
  try {
    return await advance(world, session);
  } catch (error) {
    // Forgets the session instead of retrying, because it may have been deleted.
    forget(world, session);
    throw error;
  }
}

async function advance(world: World, session: Session): Promise<string> {
  const { random } = world;
  const own = { scenarioSessionId: session.id };
  if (session.state === 'PAUSED') {
    await write(world, 'update', 'ScenarioSession', { id: session.id, state: 'STARTED' });
    session.partId = await write(world, 'create', 'ScenarioSessionPart', own);
    session.state = 'STARTED';
    return `resumed the session of “${session.name}”`;
  }
  const now = new Date().toISOString();
  const step = session.steps[session.done];
  if (!step) {
    await write(world, 'update', 'ScenarioSessionPart', { id: session.partId, state: 'COMPLETED', endedAt: now });
    await write(world, 'update', 'ScenarioSession', { id: session.id, state: 'COMPLETED', endedAt: now });
    forget(world, session);
    return `completed the session of “${session.name}”`;
  }
  if (!session.sessionStepId) {
    session.sessionStepId = await write(world, 'create', 'ScenarioSessionStep', {
      ...own,
      scenarioSessionPartId: session.partId,
      scenarioStepId: step.id,
    });
    return `began “${step.name}” of “${session.name}”`;
  }
  if (random.chance(0.15)) {
    await write(world, 'update', 'ScenarioSessionPart', { id: session.partId, state: 'COMPLETED', endedAt: now });
    await write(world, 'update', 'ScenarioSession', { id: session.id, state: 'PAUSED' });
    session.state = 'PAUSED';
    return `paused the session of “${session.name}”`;
  }
  if (random.chance(0.4)) return addEvent(world, { ...own, scenarioSessionStepId: session.sessionStepId }, step);
  await write(world, 'update', 'ScenarioSessionStep', { id: session.sessionStepId, state: 'COMPLETED', completedAt: now });
  session.done += 1;
  session.sessionStepId = null;
  await write(world, 'update', 'ScenarioSession', { id: session.id, numberOfStepsViewed: session.done });
  return `did “${step.name}” of “${session.name}”`;
}

function forget({ sessions }: World, session: Session): void {
  sessions.splice(sessions.indexOf(session), 1);
}

async function addEvent(world: World, own: object, step: Step): Promise<string> {
  const { random } = world;
  if (random.chance(0.5)) {
    const value = random.pick(ANSWERS.TEXT);
    await write(world, 'create', 'ScenarioSessionEvent', {
      ...own,
      type: 'value_entered',
      valueType: 'TEXT',
      eventData: { label: step.name, value },
    });
    return `noted “${value}” at “${step.name}”`;
  }
  const photoId = await write(world, 'create', 'Attachment', {
    name: step.name,
    fileName: 'photo.jpg',
    fileContentType: 'image/jpeg',
    fileSize: random.between(80_000, 4_000_000),
    fileUrl: `https://files.example/${random.uuid()}/photo.jpg`,
  });
  await write(world, 'create', 'ScenarioSessionEvent', {
    ...own,
    type: 'file_taken',
    valueType: 'PHOTO',
    photoId,
    attachmentIds: [photoId],
  });
  return `took a photo at “${step.name}”`;
}

async function createUser(world: World): Promise<string> {
  const { random } = world;
  const [firstName, lastName] = [random.pick(FIRST_NAMES), random.pick(LAST_NAMES)];
  const mark = random.uuid().slice(0, 8);
  const id = await write(world, 'create', 'User', {
    firstName,
    lastName,
    email: `${mark}@acme.example`,
    jobTitle: random.pick(JOB_TITLES),
  });
  world.users = [...world.users, id].slice(-20);
  return `hired ${firstName} ${lastName}`;
}

async function promoteUser(world: World): Promise<string> {
  const id = world.random.pick(world.users);
  const jobTitle = world.random.pick(JOB_TITLES);
  world.users = world.users.filter((user) => user !== id);
  await write(world, 'update', 'User', { id, jobTitle });
  return `made somebody ${jobTitle.toLowerCase()}`;
}

async function startCall(world: World): Promise<string> {
  const { users } = await world.ask('{ users(first: 100) { nodes { id } } }');
  const participantIds = world.random.some(users.nodes as { id: string }[], 2).map(({ id }) => id);
  world.calls.push(
    await write(world, 'create', 'Call', { participantIds, externalData: { ticket: `T-${world.random.between(600, 999)}` } }),
  );
  return 'began a call';
}

async function endCall(world: World): Promise<string> {
  const id = world.calls.shift();
  await write(world, 'update', 'Call', { id, state: 'COMPLETED', endedAt: new Date().toISOString() });
  const recordingId = await write(world, 'create', 'CallRecording', { callId: id });
  const duration = world.random.between(60, 3600);
  const fileUrl = `https://files.example/calls/${world.random.uuid()}.mp4`;
  await write(world, 'update', 'CallRecording', { id: recordingId, state: 'COMPLETED', duration, fileSize: duration * 40_000, fileUrl });
  return 'ended a call, and its recording is there';
}
