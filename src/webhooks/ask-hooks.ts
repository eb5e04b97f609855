// Calls the before-hooks that a change concerns, all at once and each within its own timeout, records the calls, and returns
// refusals.
import type { Compiled } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import type { Outcome, Snapshot, Stage, Timings } from './base/model.js';
import { openContext } from './base/recall.js';
import { loadForSending } from './base/store/subscriptions.js';
import { compileDefinition } from './compile-definition.js';
import type { Change } from './gate/change.js';
import type { Hook } from './gate/find-hooks.js';
import { readCancel } from './gate/read-cancel.js';
import type { Refusal } from './gate/write-refused.js';
import { buildPayload } from './payload/build-payload.js';
import { type DeliverySender, openDeliverySender } from './send-delivery.js';
import type { AttemptRecord } from './verdict/attempt-result.js';
import { judge } from './verdict/judge.js';
import { readError } from './verdict/read-error.js';
import { recordEnded } from './verdict/record-ended.js';
import { writeAttempts } from './verdict/write-attempts.js';

export interface AskHooks {
  ask(hooks: Hook[], change: Change): Promise<Refusal[]>;
  close(): Promise<void>;
}

type Definition = Compiled | { broken: string };

interface Answered {
  hook: Hook;
  attempt: AttemptRecord;
  /** The reason for which the hook cancels the write; `null` when it doesn't. */
  cancel: string | null;
  /** The hook's owner no longer exists, so the hook can't be called. */
  ownerGone: boolean;
}

/** Maximum number of compiled definitions in the cache; beyond it the cache is cleared. */
const MAX_COMPILED = 1_000;

export function createAskHooks(engine: Engine, { greatestCache = MAX_COMPILED } = {}): AskHooks {
  const compiled = new Map<string, { version: number; definition: Definition }>();
  let sender: DeliverySender | undefined;

  async function definitionsOf(hooks: Hook[]): Promise<Map<string, Definition>> {
    const isKnown = ({ subscriptionId, version }: Hook) => compiled.get(subscriptionId)?.version === version;
    const stale = hooks.filter((hook) => !isKnown(hook)).map(({ subscriptionId }) => subscriptionId);
    // Kept here as well, because another call may clear the cache meanwhile.
    const found = new Map(hooks.filter(isKnown).map(({ subscriptionId }) => [subscriptionId, compiled.get(subscriptionId)?.definition]));
    if (compiled.size > greatestCache) compiled.clear();
    const loaded = stale.length > 0 ? await loadForSending(engine, stale) : [];
    await Promise.all(
      [...loaded].map(async ([id, sendable]) => {
        const definition = await compileDefinition(engine, sendable);
        compiled.set(id, { version: sendable.subscription.version, definition });
        found.set(id, definition);
      }),
    );
    return new Map(hooks.map(({ subscriptionId }) => [subscriptionId, found.get(subscriptionId) ?? { broken: 'It could not be loaded.' }]));
  }

  return {
    async ask(hooks, change) {
      if (hooks.length === 0) return [];
      sender ??= openDeliverySender(engine);
      const { send } = sender;
      const definitions = await definitionsOf(hooks);
      const answers = await Promise.all(
        hooks.map((hook) => askOne(engine, hook, definitions.get(hook.subscriptionId) as Definition, change, send)),
      );
      // Recorded before the write, so that a write that went through always has its record.
      await recordEnded(
        engine.pool,
        answers.map((answer) => toRecord(answer, change, definitions.get(answer.hook.subscriptionId))),
      );
      await disableOrphans(engine, answers);
      return answers.flatMap(refusalOf);
    },
    close: async () => sender?.close(),
  };
}

async function askOne(engine: Engine, hook: Hook, definition: Definition, change: Change, send: DeliverySender['send']): Promise<Answered> {
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
      const contextOf = await engine.host.contextFor(definition.owner);
      const subject = { id: hook.deliveryId, kind: 'BEFORE' as const, typename: change.snapshot.typename, nodeKey: change.key };
      const sources = (by: NonNullable<typeof contextOf>) => ({
        open: (overlay: Snapshot[]) => openContext(engine.host, by, overlay),
        overlay: [change.snapshot],
        event: change.event,
      });
      return contextOf && buildPayload(engine, definition, subject, () => sources(contextOf));
    });
    if (payload === LATE) return ended('FAILED', 'TIMEOUT', `The payload was not ready within ${timeoutMs / 1000} seconds.`);
    if (payload === null) return ended('FAILED', 'QUERY', OWNER_GONE, { ownerGone: true });
    timings.queryMs = payload.queryMs;
    timings.renderMs = payload.renderMs;
    if (payload.outcome !== 'READY') return ended(payload.outcome, payload.stage, payload.message);

    const leftMs = Math.max(1, timeoutMs - (performance.now() - started));
    const ids = { deliveryId: hook.deliveryId, typename: change.snapshot.typename, nodeKey: change.key, eventId: null };
    const sent = await send(definition, ids, payload.body, undefined, leftMs);
    const { answer } = sent;
    request = sent.request;
    if (sent.authMs !== undefined) timings.authMs = sent.authMs;
    timings.sendMs = answer.sendMs;
    if (answer.kind === 'REPLY') {
      if (answer.firstByteMs !== undefined) timings.firstByteMs = answer.firstByteMs;
      response = { status: answer.status, headers: answer.headers, body: answer.body };
    } else if (answer.stage === 'TIMEOUT') return ended('FAILED', 'TIMEOUT', `No complete answer within ${timeoutMs / 1000} seconds.`);
    const cancel = readCancel(answer);
    if (cancel !== null) return ended('DELIVERED', null, `Refused the write: ${cancel}`, { cancel });
    const read = await within(Math.max(1, timeoutMs - (performance.now() - started)), () =>
      readError(engine, definition, answer, payload.event),
    );
    if (read === LATE) return ended('FAILED', 'TIMEOUT', `The answer was not read within ${timeoutMs / 1000} seconds.`);
    const verdict = judge(answer, read, null, { attemptCount: 0, ageMs: 0, nowMs: Date.now(), random: 0 });
    return ended(verdict.outcome, verdict.stage, verdict.message);
  } catch (error) {
    // Internal errors count as a failed hook too: its `onFailure` policy decides whether the write is refused.
    engine.log.error({ err: error, subscriptionId: hook.subscriptionId }, 'a before-hook could not be asked for a reason of ours');
    return ended('FAILED', timings.renderMs === undefined ? 'QUERY' : 'CONNECT', 'It could not be asked for a reason of ours.');
  }
}

const LATE = Symbol('late');

/** Work that continues after the limit is a read, which ends by its own limits. */
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

/** A failing hook whose owner no longer exists never refuses a write, because nobody could correct it. */
const refuses = (answer: Answered): boolean =>
  answer.cancel !== null || (isFailure(answer) && !answer.ownerGone && answer.hook.policy.onFailure === 'REFUSE');

function refusalOf(answer: Answered): Refusal[] {
  if (!refuses(answer)) return [];
  const { hook, cancel, attempt } = answer;
  const who = `the webhook subscription ${JSON.stringify(hook.name ?? hook.subscriptionId)}`;
  if (cancel !== null) return [{ type: 'CANCELLED', message: `refused by ${who}: ${cancel}` }];
  // Only the subscription's owner may see the details.
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

/** Masks the stored record; the writer's message is not masked. */
function recorded({ attempt, cancel }: Answered, definition: Definition | undefined): AttemptRecord {
  const kept = definition && 'recorder' in definition ? (definition.recorder?.(attempt) ?? attempt) : attempt;
  return cancel !== null && kept.response?.body === null ? { ...kept, message: 'Refused the write; the reason is not recorded.' } : kept;
}

const OWNER_GONE = 'Its owner is gone, disabled, or belongs to another organization now.';

async function disableOrphans({ pool }: Engine, answers: Answered[]): Promise<void> {
  const disable = { reason: 'OWNER_GONE', message: OWNER_GONE } as const;
  const orphans = answers.filter(({ ownerGone }) => ownerGone);
  if (orphans.length === 0) return;
  // These deliveries are final and have no claim, so only the disabling of the subscriptions takes effect.
  const order = { token: '0', next: null, attempt: null, disable };
  await writeAttempts(
    pool,
    orphans.map(({ hook: { deliveryId, subscriptionId } }) => ({ deliveryId, subscriptionId, ...order })),
  );
}
