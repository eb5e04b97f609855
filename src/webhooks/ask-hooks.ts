// Before-hooks and the change they are about -> the refusals. Walks the stages for all of them side by side, each within its own time, and records it.
import { type Compiled, compileDefinition } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import type { Outcome, Stage, Timings } from './base/model.js';
import { loadForSending } from './base/store/subscriptions.js';
import type { Change } from './gate/change.js';
import type { Hook } from './gate/find-hooks.js';
import { readCancel } from './gate/read-cancel.js';
import type { Refusal } from './gate/write-refused.js';
import { buildPayload } from './payload/build-payload.js';
import { type Courier, openCourier } from './send-delivery.js';
import type { AttemptRecord } from './verdict/attempt-result.js';
import { judge } from './verdict/judge.js';
import { readError } from './verdict/read-error.js';
import { recordEnded } from './verdict/record-ended.js';
import { settle } from './verdict/write-attempts.js';

export interface AskHooks {
  ask(hooks: Hook[], change: Change): Promise<Refusal[]>;
  close(): Promise<void>;
}

type Definition = Compiled | { broken: string };

interface Answered {
  hook: Hook;
  attempt: AttemptRecord;
  /** Null: it says nothing against the write. */
  cancel: string | null;
  /** It can't be asked any more, and nobody is left to set that right. */
  ownerGone: boolean;
}

/** Definitions kept compiled; beyond it all are compiled afresh. */
const MAX_COMPILED = 1_000;

export function createAskHooks(engine: Engine): AskHooks {
  const compiled = new Map<string, { version: number; definition: Definition }>();
  let courier: Courier | undefined;

  async function definitionsOf(hooks: Hook[]): Promise<Map<string, Definition>> {
    const isKnown = ({ subscriptionId, version }: Hook) => compiled.get(subscriptionId)?.version === version;
    const stale = hooks.filter((hook) => !isKnown(hook)).map(({ subscriptionId }) => subscriptionId);
    if (compiled.size > MAX_COMPILED) compiled.clear();
    const loaded = stale.length > 0 ? await loadForSending(engine, stale) : [];
    await Promise.all(
      [...loaded].map(async ([id, sendable]) =>
        compiled.set(id, { version: sendable.subscription.version, definition: await compileDefinition(engine, sendable) }),
      ),
    );
    return new Map(
      hooks.map(({ subscriptionId }) => [
        subscriptionId,
        compiled.get(subscriptionId)?.definition ?? { broken: 'It could not be loaded.' },
      ]),
    );
  }

  return {
    async ask(hooks, change) {
      if (hooks.length === 0) return [];
      courier ??= openCourier(engine);
      const { carry } = courier;
      const definitions = await definitionsOf(hooks);
      const answers = await Promise.all(
        hooks.map((hook) => askOne(engine, hook, definitions.get(hook.subscriptionId) as Definition, change, carry)),
      );
      // Before the write: one that went through is never without its record.
      await recordEnded(
        engine.pool,
        answers.map((answer) => toRecord(answer, change, definitions.get(answer.hook.subscriptionId))),
      );
      await disableOrphans(engine, answers);
      return answers.flatMap(refusalOf);
    },
    close: async () => courier?.close(),
  };
}

async function askOne(engine: Engine, hook: Hook, definition: Definition, change: Change, carry: Courier['carry']): Promise<Answered> {
  const { timeoutMs } = hook.policy;
  const startedAt = new Date();
  const started = performance.now();
  const timings: Timings = {};
  let request: AttemptRecord['request'] = null;
  let response: AttemptRecord['response'] = null;
  const ended = (outcome: Outcome, stage: Stage | null, message: string | null, rest: Partial<Answered> = {}): Answered => ({
    hook,
    cancel: null,
    ownerGone: false,
    attempt: {
      subscriptionVersion: 'broken' in definition ? hook.version : definition.version,
      startedAt,
      durationMs: performance.now() - started,
      outcome,
      stage,
      message,
      timings,
      request,
      response,
    },
    ...rest,
  });
  if ('broken' in definition) return ended('FAILED', 'QUERY', definition.broken);
  try {
    const payload = await within(timeoutMs, async () => {
      const context = (await engine.host.contextFor(definition.owner))?.([change.snapshot]) ?? null;
      const subject = { id: hook.deliveryId, kind: 'BEFORE' as const, typename: change.snapshot.typename, nodeKey: change.key };
      return context && buildPayload(engine, definition, subject, () => context);
    });
    if (payload === LATE) return ended('FAILED', 'TIMEOUT', `The payload was not ready within ${timeoutMs / 1000} seconds.`);
    if (payload === null) return ended('FAILED', 'QUERY', OWNER_GONE, { ownerGone: true });
    timings.queryMs = payload.queryMs;
    timings.renderMs = payload.renderMs;
    if (payload.outcome !== 'READY') return ended(payload.outcome, payload.stage, payload.message);

    const leftMs = Math.max(1, timeoutMs - (performance.now() - started));
    const parcel = { deliveryId: hook.deliveryId, typename: change.snapshot.typename, nodeKey: change.key, eventId: null };
    const carried = await carry(definition, parcel, payload.body, undefined, leftMs);
    const { answer } = carried;
    request = carried.request;
    if (carried.authMs !== undefined) timings.authMs = carried.authMs;
    timings.sendMs = answer.sendMs;
    if (answer.kind === 'REPLY') {
      if (answer.firstByteMs !== undefined) timings.firstByteMs = answer.firstByteMs;
      response = { status: answer.status, headers: answer.headers, body: answer.body };
    } else if (answer.stage === 'TIMEOUT') return ended('FAILED', 'TIMEOUT', `No complete answer within ${timeoutMs / 1000} seconds.`);
    const cancel = readCancel(answer);
    if (cancel !== null) return ended('DELIVERED', null, `Refused the write: ${cancel}`, { cancel });
    const read = await within(Math.max(1, timeoutMs - (performance.now() - started)), () => readError(engine, definition, answer));
    if (read === LATE) return ended('FAILED', 'TIMEOUT', `The answer was not read within ${timeoutMs / 1000} seconds.`);
    const verdict = judge(answer, read, null, { attemptCount: 0, ageMs: 0, nowMs: Date.now(), random: 0 });
    return ended(verdict.outcome, verdict.stage, verdict.message);
  } catch (error) {
    // Also what is ours to answer for: whoever set the policy decided what a hook that can't be asked means.
    engine.log.error({ err: error, subscriptionId: hook.subscriptionId }, 'a before-hook could not be asked for a reason of ours');
    return ended('FAILED', timings.renderMs === undefined ? 'QUERY' : 'CONNECT', 'It could not be asked for a reason of ours.');
  }
}

const LATE = Symbol('late');

/** What runs on when it is late is a read, which its own limits end. */
async function within<T>(limitMs: number, work: () => Promise<T>): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), limitMs);
  });
  const working = work();
  working.catch(() => {});
  try {
    return await Promise.race([working, late]);
  } finally {
    clearTimeout(timer);
  }
}

const isFailure = ({ attempt }: Answered): boolean => attempt.outcome === 'FAILED' || attempt.outcome === 'HELD';

/** Nobody could ever lift the refusal of one whose owner is gone. */
const refuses = (answer: Answered): boolean =>
  answer.cancel !== null || (isFailure(answer) && !answer.ownerGone && answer.hook.policy.onFailure === 'REFUSE');

function refusalOf(answer: Answered): Refusal[] {
  if (!refuses(answer)) return [];
  const { hook, cancel, attempt } = answer;
  const who = `the webhook subscription ${JSON.stringify(hook.name ?? hook.subscriptionId)}`;
  if (cancel !== null) return [{ type: 'CANCELLED', message: `refused by ${who}: ${cancel}` }];
  // The rest is its owner's to know.
  return [{ type: 'HOOK_FAILED', message: `refused, since ${who} could not be asked (${attempt.stage})` }];
}

function toRecord(answer: Answered, { key, tenant, snapshot }: Change, definition: Definition | undefined) {
  const { hook } = answer;
  const attempt = recorded(answer, definition);
  const { deliveryId, subscriptionId, topicId } = hook;
  const skipped = attempt.outcome === 'SKIPPED' ? 'VALIDATION' : null;
  const reason = refuses(answer) ? 'REFUSED' : isFailure(answer) ? 'ALLOWED' : skipped;
  const about = { tenant: tenant as string, typename: snapshot.typename, nodeKey: key };
  return { deliveryId, subscriptionId, topicId, kind: 'BEFORE', ...about, reason, attempt } as const;
}

/** What the writer is told isn't masked; what stays is. */
function recorded({ attempt, cancel }: Answered, definition: Definition | undefined): AttemptRecord {
  const kept = definition && 'recorder' in definition ? (definition.recorder?.(attempt) ?? attempt) : attempt;
  return cancel !== null && kept.response?.body === null ? { ...kept, message: 'Refused the write; the reason is not recorded.' } : kept;
}

const OWNER_GONE = 'Its owner is gone, disabled, or belongs to another organization now.';

async function disableOrphans({ pool }: Engine, answers: Answered[]): Promise<void> {
  const disable = { reason: 'OWNER_GONE', message: OWNER_GONE } as const;
  const orphans = answers.filter(({ ownerGone }) => ownerGone);
  if (orphans.length === 0) return;
  // No claim holds their deliveries, which are recorded already: only the orders stand.
  const order = { token: '0', next: null, attempt: null, disable };
  await settle(
    pool,
    orphans.map(({ hook: { deliveryId, subscriptionId } }) => ({ deliveryId, subscriptionId, ...order })),
  );
}
