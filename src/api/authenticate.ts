// Authenticates requests by token, slows down token guessing, and enforces each token's rate limit.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Authentication } from '../auth/api-token.js';
import type { Viewer } from '../auth/viewer.js';
import { type Answer, problem } from './answer.js';
import type { App } from './app.js';
import { createBudget, type Spent } from './budget.js';
import { createNetworkOf } from './network-of.js';
import { createTokenGuesses, GUESS_LIMIT } from './token-guesses.js';

const SCHEME = /^(?:Token\s+token=|Bearer\s+)("?)([^"\s,]+)\1\s*$/i;

/** Milliseconds after which a token is looked up again before its request runs. A body may take 30 s to arrive. */
const CONFIRM_AFTER_MS = 500;

/**
 * `headers`: the rate-limit headers for the response. `confirm`: returns a refusal if the token has become invalid since, else `null`.
 * `refusal`: the response to a request that isn't authenticated.
 */
export type Authenticated =
  | {
      viewer: Viewer;
      headers: Record<string, string>;
      /** Counts the milliseconds of the event loop that the request used. */
      charge(ms: number): void;
      confirm(): Promise<Answer | null>;
    }
  | { viewer: null; refusal: Answer };

type Refused = Authenticated & { viewer: null };

/** `token`: the token to authenticate. Default: the token of the Authorization header or, without this header, of the session. */
export type Authenticate = (request: IncomingMessage, token?: string) => Promise<Authenticated>;

/** @param sessionToken returns the token of the request's session; `null` when it has none */
export function createAuthenticate(app: App, sessionToken: (request: IncomingMessage) => string | null): Authenticate {
  const { rateLimit, trustedProxies } = app.config;
  const budget = createBudget(rateLimit);
  const guesses = createTokenGuesses();
  const networkOf = createNetworkOf(trustedProxies);
  return async (request, given) => {
    const { authorization } = request.headers;
    const token = given ?? (authorization ? SCHEME.exec(authorization)?.[2] : sessionToken(request));
    if (token === null) return refuse('The Authorization header is missing.');
    if (!token) return refuse('The Authorization header is not valid.');
    const hash = createHash('sha256').update(token).digest('hex');
    // A token that was valid recently is rate-limited before the database is queried. Any other token is rate-limited
    // only once the database has found it, so that made-up tokens don't fill the limiter's memory.
    const before = guesses.isKnown(hash) ? await budget.spend(hash) : null;
    if (before?.waitMs != null) return overBudget(before, rateLimit);
    const found = await guesses.limit(networkOf(request), hash, () => app.authenticate(token));
    if ('waitMs' in found) return tooManyGuesses(found.waitMs);
    const { viewer, tokenId, refusal } = found;
    const now = before ?? (tokenId === null ? null : await budget.spend(hash));
    if (now?.waitMs != null) return overBudget(now, rateLimit);
    if (!viewer) return refusalOf(refusal);
    const atMs = performance.now();
    return {
      viewer,
      headers: now?.headers ?? {},
      charge: (ms) => void budget.charge(hash, ms),
      async confirm() {
        if (performance.now() - atMs < CONFIRM_AFTER_MS) return null;
        const again = await app.authenticate(token);
        return again.viewer ? null : refusalOf(again.refusal).refusal;
      },
    };
  };
}

function refusalOf(refusal: (Authentication & { viewer: null })['refusal']): Refused {
  if (refusal === 'UNKNOWN') return refuse('This token does not exist, or its user is disabled.');
  // The messages below may say when the token was revoked or expired, because the client has proven that it has the token.
  if ('revokedAt' in refusal) return refuse(`This token was revoked at ${textOf(refusal.revokedAt)}.`);
  return refuse(`This token expired at ${textOf(refusal.expiredAt)}.`);
}

/** A timestamp may be `infinity`, which pg returns as the number Infinity. */
const textOf = (moment: Date): string => (moment instanceof Date ? moment.toISOString() : String(moment).toLowerCase());

function refuse(message: string): Refused {
  const hint = 'Send `Authorization: Token token=<your token>` or `Authorization: Bearer <your token>`.';
  const answer = problem(401, `${message} ${hint}`, { code: 'UNAUTHENTICATED' });
  return { viewer: null, refusal: { ...answer, headers: { 'WWW-Authenticate': 'Bearer realm="hookgraph"' } } };
}

function overBudget({ waitMs, beyond, headers }: Spent, perSecond: number): Authenticated {
  const message =
    beyond === 'TIME'
      ? 'The requests of this token have used up its processor time of this minute. Request fewer fields or smaller pages.'
      : `This token sent more than ${perSecond} requests per second, and has used up its allowance for bursts.`;
  return tooMany(message, waitMs ?? 0, headers);
}

function tooManyGuesses(waitMs: number): Authenticated {
  const { count, withinSeconds } = GUESS_LIMIT;
  return tooMany(`Within ${withinSeconds} s, your network sent more than ${count} tokens that do not exist.`, waitMs, {});
}

function tooMany(message: string, waitMs: number, headers: Record<string, string>): Authenticated {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  const extensions = { code: 'RATE_LIMITED', retryAfterSeconds: seconds };
  const answer = problem(429, `${message} Retry the request in ${seconds} s.`, extensions);
  return { viewer: null, refusal: { ...answer, headers: { ...headers, 'Retry-After': String(seconds) } } };
}
