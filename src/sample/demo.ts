// Runs the example of the guide on the sample product, and prints the subscription, the requests that its receiver got, and the result for
// each user.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { CREATE_TWO_USERS, GUIDE_SUBSCRIPTION, GUIDE_USERS, SUBSCRIBE } from './guide.js';
import type { Ask } from './simulation.js';

const TIMEOUT_MS = 15_000;

export interface DemoStage {
  ask: Ask;
  headerPrefix: string;
  say(line: string): void;
  receiver: { url: string; requests: { headers: Record<string, string | string[] | undefined>; body: string }[] };
  /** Functions to call when the demo ends, last one first. */
  closing: (() => Promise<unknown>)[];
}

export async function runGuide({ ask, headerPrefix, say, receiver, closing }: DemoStage): Promise<void> {
  const subscription = { ...GUIDE_SUBSCRIPTION, callbackUrl: receiver.url };
  const { createWebhookSubscription: subscribed } = await ask(SUBSCRIBE, { webhookSubscription: subscription });
  if (subscribed.errors.length > 0) throw new Error(`The subscription was refused: ${JSON.stringify(subscribed.errors)}`);
  const { id } = subscribed.webhookSubscription;
  say(`
A customer subscribes to ${subscription.topic.key}:
  fetch       ${subscription.query}
  send only   ${subscription.validationTemplate}
  as          ${subscription.template}`);

  const { notified, skipped } = await ask(CREATE_TWO_USERS, GUIDE_USERS);
  const users = [notified.user, skipped.user];
  closing.push(() => ask(REMOVE, { id, notified: notified.user.id, skipped: skipped.user.id }));
  say(`\nTwo users are created: ${users.map(({ name }) => name).join(' and ')}`);

  const deliveries = await settled(ask, id, users.length);
  say('\nThe receiver got:');
  for (const { headers, body } of receiver.requests) {
    say(`  POST ${body}`);
    const header = (name: string) => headers[`${headerPrefix}${name}`.toLowerCase()];
    for (const name of ['Topic', 'Webhook-Job-Id', 'Time', 'Hmac-Sha256']) say(`       ${headerPrefix}${name}: ${header(name)}`);
    const isRight = verify(header('Hmac-Sha256'), subscription.sharedSecret, body);
    say(`       signature: ${isRight ? 'valid, verified with the shared secret over these bytes' : 'NOT VALID'}`);
    if (!isRight) throw new Error('The signature of a notification is not valid.');
  }
  say('\nThe result for each user:');
  for (const { state, node, attempts } of deliveries) {
    const { stage, message, response, durationMs } = attempts.at(-1) as Attempt;
    const why = response ? `the receiver answered ${response.status} in ${Math.round(durationMs)} ms` : `${stage}: ${message}`;
    say(`  ${node.name.padEnd(14)} ${state.padEnd(10)} ${why}`);
  }
  const states = deliveries.map(({ state }) => state).sort();
  if (states.join() !== 'DELIVERED,SKIPPED' || receiver.requests.length !== 1)
    throw new Error(
      `Expected one delivered and one skipped notification, but found ${states.join(' and ')} with ${receiver.requests.length} requests.`,
    );
}

const REMOVE = `mutation ($id: ID, $notified: ID, $skipped: ID) {
  deleteWebhookSubscription(webhookSubscription: { id: $id }) { errors { message } }
  notified: deleteUser(user: { id: $notified }) { errors { message } }
  skipped: deleteUser(user: { id: $skipped }) { errors { message } }
}`;

interface Attempt {
  stage: string | null;
  message: string | null;
  durationMs: number;
  response: { status: number } | null;
}

const DELIVERIES = `query ($id: ID) { webhookDeliveries(webhookSubscriptionId: $id) { nodes {
  state node { ... on User { name } } attempts { stage message durationMs response { status } } } } }`;

/**
 * Waits until the subscription has `count` deliveries and none is PENDING, and returns them.
 * @throws Error after TIMEOUT_MS
 */
async function settled(ask: Ask, id: string, count: number): Promise<{ state: string; node: { name: string }; attempts: Attempt[] }[]> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { nodes } = (await ask(DELIVERIES, { id })).webhookDeliveries;
    if (nodes.length === count && nodes.every(({ state }: { state: string }) => state !== 'PENDING')) return nodes;
    if (Date.now() > deadline) throw new Error(`After ${TIMEOUT_MS / 1000} s some deliveries have no attempt. Is a worker running?`);
    await wait(50);
  }
}

/** Verifies a signature as a receiver does: the HMAC of the exact bytes, compared in constant time. */
function verify(signature: string | string[] | undefined, secret: string, body: string): boolean {
  const expected = createHmac('sha256', secret).update(body).digest();
  const given = Buffer.from(String(signature), 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
