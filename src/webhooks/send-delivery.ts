// Sends a body to a subscription's destination and returns the recorded request and the redacted response, within one deadline.
import { setTimeout as sleep } from 'node:timers/promises';
import { loopShare } from '../runtime/loop-share.js';
import { allSlots } from '../runtime/slot-share.js';
import { within } from '../runtime/time-limit.js';
import type { Compiled } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import type { Auth, Exchange } from './base/model.js';
import { bare } from './base/network/address-policy.js';
import type { NetworkFailure } from './base/network/evidence.js';
import { EgressFailed, type Guard, type MaySend, Withdrawn } from './base/network/guard.js';
import type { Watch } from './base/report.js';
import type { NoReply, Reply } from './destinations/destination.js';
import { https } from './destinations/https/index.js';
import type { Composed, DeliveryIds } from './destinations/kind.js';
import { openSenders } from './destinations/open-senders.js';
import { kindNamed } from './destinations/registry.js';
import { type Authorization, authorize } from './request/auth/authorize.js';
import { createTokens } from './request/auth/oauth2.js';
import { redactEcho } from './request/redact-echo.js';
import { SearchBudgets } from './request/search-budgets.js';
import type { SentRequest } from './verdict/attempt-record.js';

type Body = Parameters<typeof compose>[3];

export interface SendOptions {
  /** Receives a report of the authentication. */
  watch?: Watch | undefined;
  /** Replaces the usual timeout, e.g. by the milliseconds that are left of a before-hook's timeout. */
  withinMs?: number | undefined;
  /** Asked after each wait, before the request is written. Absent: it may always be sent. */
  maySend?: MaySend | undefined;
}

export interface DeliverySender {
  /**
   * Sends one delivery.
   * @throws Withdrawn when `maySend` forbids the request; nothing was sent
   * @throws EgressFailed when this installation's own proxy or network fails; a failure of the receiver or its token endpoint is returned
   * as a result
   */
  send(compiled: Compiled, ids: DeliveryIds, body: Body, options?: SendOptions): Promise<SentRequest>;
  close(): Promise<void>;
}

/** Builds the message of a delivery for its kind of destination, and the request as it is recorded. Sends nothing. */
export function compose(
  engine: Pick<Engine, 'settings' | 'host'>,
  compiled: Compiled,
  ids: DeliveryIds,
  body: { text: string; contentType: string; sentHeaders?: Record<string, string> },
): Composed<unknown> {
  return kindNamed(compiled.destination.field).compose(engine, compiled, ids, body);
}

/** Bodies of this many characters or more wait for their tenant's turn before they are encoded and signed: 2 MB take some 10 ms. */
const LONG_BODY = 131_072;

async function composeInTurn(...[engine, compiled, ids, body]: Parameters<typeof compose>): Promise<Composed<unknown>> {
  const { tenant } = compiled.owner;
  await loopShare.later(loopShare.open(tenant, SIGNING));
  return loopShare.measure(tenant, SIGNING, () => compose(engine, compiled, ids, body));
}

const SIGNING = 'signing a long body';

/** Opens a sender, which keeps its connections, OAuth tokens and AWS credentials for later deliveries of this process. */
export function openDeliverySender(
  engine: Pick<Engine, 'settings' | 'host' | 'guard' | 'deadlines'>,
  deadlineMs = engine.deadlines.requestMs,
): DeliverySender {
  const { guard, deadlines } = engine;
  const blame = new Blame(guard.evidence);
  const senders = openSenders(guard, deadlineMs, allSlots(deadlines.perOrigin));
  const tokens = createTokens(async (request) => {
    const sender = await senders.of(https.field.name);
    const answer = await sender.send(request);
    // Repeats the request for an OAuth token once if the connection, kept open from an earlier request, broke. The repetition is harmless
    // and does not count as an attempt.
    const isUnanswered = answer.kind === 'NO_REPLY' && answer.unanswered;
    return blame.of(isUnanswered ? await sender.send(request) : answer, request.origin, null);
  });

  return {
    async send(compiled, ids, body, { watch, withinMs = deadlineMs, maySend } = {}) {
      const composed =
        body.text.length < LONG_BODY ? compose(engine, compiled, ids, body) : await composeInTurn(engine, compiled, ids, body);
      const { recorded: request } = composed;
      const { auth, origin, owner, destination } = compiled;
      if (composed.refused) return { request, answer: composed.refused };
      if (auth !== null && kindNamed(destination.field).isHttp)
        return sendAuthorized(
          { senders, tokens, blame },
          { compiled, auth, composed: composed as Composed<Exchange>, watch, withinMs, maySend },
        );
      const known = senders.of(destination.field);
      const sender = known instanceof Promise ? await known : known;
      const raw = await sender.send(composed.message, withinMs, maySend);
      // Usually skips `blame`: a response shows that this installation's network works, which matters only after a connection has failed.
      const answer = raw.kind === 'REPLY' && !guard.evidence.isSuspicious ? raw : await blame.of(raw, origin, owner.tenant);
      return { request, answer: await redactInTurn(compiled, answer) };
    },
    close: senders.close,
  };
}

/** Decides whether a failure is due to this installation's network or to the receiver. */
class Blame {
  constructor(private readonly evidence: Guard['evidence']) {}

  /**
   * Returns the result of a request unchanged.
   * @throws EgressFailed when the request failed because of this installation's own network
   */
  of(answer: Reply | NoReply, origin: string, tenant: string | null): Reply | NoReply | Promise<Reply | NoReply> {
    if (answer.kind === 'REPLY') {
      if (this.evidence.isSuspicious) this.evidence.worked('CONNECT', hostOf(origin));
      return answer;
    }
    return answer.failure ? this.judge(answer, answer.failure, tenant) : answer;
  }

  private async judge(answer: NoReply, failure: NetworkFailure, tenant: string | null): Promise<NoReply> {
    let blame = this.evidence.judge(failure, tenant);
    if (blame === 'UNSURE') {
      // Waits for the results of concurrent requests: if they fail too, this installation's network is the cause rather than the receiver.
      await sleep(UNSURE_MS);
      blame = this.evidence.judge(failure, tenant);
    }
    if (blame !== 'OURS') return answer;
    throw new EgressFailed(OURS[failure.step](failure.code), undefined, failure);
  }
}

interface Connections {
  senders: ReturnType<typeof openSenders>;
  tokens: ReturnType<typeof createTokens>;
  blame: Blame;
}

interface Authorized {
  compiled: Compiled;
  auth: Auth;
  composed: Composed<Exchange>;
  watch: Watch | undefined;
  withinMs: number;
  maySend: MaySend | undefined;
}

/** Sends a request with its Authorization header, and once more with a new OAuth token when the receiver answers 401 to the token. */
async function sendAuthorized({ senders, tokens, blame }: Connections, sending: Authorized): Promise<SentRequest> {
  const { compiled, auth, watch, withinMs, maySend } = sending;
  const { message, recorded: request } = sending.composed;
  const started = performance.now();
  const leftMs = () => withinMs - (performance.now() - started);
  let authMs: number | undefined;
  const seen: string[] = [];
  const redacted = async (raw: Reply | NoReply): Promise<SentRequest> => {
    const answer = await redactInTurn(compiled, raw, seen);
    const { secrets: _secrets, ...shown } = auth;
    const failed = answer.kind === 'NO_REPLY' && answer.stage === 'AUTH' ? answer.message : null;
    const outcome = failed === null ? 'OK' : 'FAILED';
    watch?.({ stage: 'AUTH', outcome, input: shown, output: null, message: failed, durationMs: authMs ?? 0 });
    return { request, answer, ...(authMs !== undefined && { authMs }) };
  };
  const known = async (refused?: string): Promise<Authorization> => {
    const since = performance.now();
    const got = authorize(tokens, auth, compiled, refused);
    if (!(got instanceof Promise)) return got;
    const late: Authorization = { failed: `The token endpoint gave no token within ${Math.round(withinMs / 100) / 10} seconds.` };
    const answer = await within(leftMs(), got, late);
    authMs = (authMs ?? 0) + performance.now() - since;
    return answer;
  };
  const send = async (authorization: Exclude<Authorization, { failed: string }>) => {
    if (authorization.token !== undefined) seen.push(authorization.token);
    const request = { ...message, headers: { ...message.headers, Authorization: authorization.value } };
    const sender = await senders.of(compiled.destination.field);
    return blame.of(await sender.send(request, leftMs(), maySend), compiled.origin, compiled.owner.tenant);
  };

  const first = await known();
  if ('failed' in first) return redacted(noToken(first, first.failed));
  const answer = await send(first);
  if (first.token === undefined || answer.kind !== 'REPLY' || answer.status !== 401) return redacted(answer);
  if (maySend && !(await maySend())) return redacted(answer);
  const second = await known(first.token);
  if ('failed' in second) return redacted(noToken(second, `The receiver answered 401, and there is no new token: ${second.failed}`));
  const again = await send(second).catch((error) => {
    if (error instanceof Withdrawn) return answer;
    throw error;
  });
  return redacted(again);
}

/** Responses from this length on, in characters, wait for their tenant's turn before they are searched, and count towards its budget. */
const LONG_ANSWER = 4_096;
const searches = new SearchBudgets();

function redactInTurn(compiled: Compiled, answer: Reply | NoReply, seen?: string[]): (Reply | NoReply) | Promise<Reply | NoReply> {
  if (answer.kind !== 'REPLY' || lengthOf(answer) < LONG_ANSWER) return redactEcho(compiled, answer, seen);
  const { tenant } = compiled.owner;
  const search = () => searches.use(tenant, (budget) => redactEcho(compiled, answer, seen, budget));
  const redact = () => loopShare.measure(tenant, 'searching a response for secrets', search);
  const turn = loopShare.turn(loopShare.open(tenant, 'searching a response for secrets'));
  return turn ? turn.then(redact) : redact();
}

/** Returns the length of an answer with its headers, in characters. */
export function lengthOf({ body, headers }: Pick<Reply, 'body' | 'headers'>): number {
  let { length } = body;
  for (const name in headers) length += name.length + (headers[name] as string).length;
  return length;
}

const hosts = new Map<string, string>();
const MAX_HOSTS = 10_000;

function hostOf(origin: string): string {
  const known = hosts.get(origin);
  if (known !== undefined) return known;
  if (hosts.size >= MAX_HOSTS) hosts.clear();
  const host = bare(new URL(origin).hostname);
  hosts.set(origin, host);
  return host;
}

/**
 * Milliseconds to wait for the results of concurrent requests, when it is unsure whether this installation's network or the receiver
 * failed.
 */
const UNSURE_MS = 500;

const OURS = {
  NAME: (code: string) => `DNS lookups of this machine fail: ${code}`,
  CONNECT: (code: string) => `connections out of this machine fail: ${code}`,
};

const noToken = ({ slowDown }: Extract<Authorization, { failed: string }>, message: string): NoReply => ({
  kind: 'NO_REPLY',
  stage: 'AUTH',
  message,
  ...(slowDown && { slowDown }),
  sendMs: 0,
});
