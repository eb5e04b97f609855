// A body for one subscription -> the request as it is recorded, and the receiver's answer without our secrets. One deadline for all of it.
import type { Compiled } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import type { Watch } from './base/report.js';
import { type Authorization, authorize } from './request/auth/authorize.js';
import { createTokens } from './request/auth/oauth2.js';
import { buildRequest } from './request/build-request.js';
import { redactEcho } from './request/redact-echo.js';
import { DEADLINE_MS, type NoReply, openHttpsDestination, type Reply } from './send/https.js';
import type { AttemptRecord } from './verdict/settle.js';

export interface Carried {
  request: NonNullable<AttemptRecord['request']>;
  answer: Reply | NoReply;
  /** Only where a token had to be waited for. */
  authMs?: number;
}

export interface Courier {
  /**
   * `watch`: who is told how it made itself known. `withinMs`: what is left of a deadline that began earlier, in place of the usual one.
   * @throws EgressFailed where our own way out failed; whatever the receiver or its token endpoint do is an answer.
   */
  carry(
    compiled: Compiled,
    deliveryId: string,
    body: { text: string; contentType: string },
    watch?: Watch,
    withinMs?: number,
  ): Promise<Carried>;
  close(): Promise<void>;
}

/** Keeps connections and tokens, for this process. */
export function openCourier({ settings, guard }: Pick<Engine, 'settings' | 'guard'>, deadlineMs = DEADLINE_MS): Courier {
  const destination = openHttpsDestination(guard, deadlineMs);
  const tokens = createTokens((request) => destination.send(request));

  return {
    async carry(compiled, deliveryId, body, watch, withinMs = deadlineMs) {
      const started = performance.now();
      const leftMs = () => withinMs - (performance.now() - started);
      const outgoing = buildRequest(settings, compiled, deliveryId, body, new Date());
      const request = { url: outgoing.url, headers: outgoing.recordedHeaders, body: body.text };
      const { auth } = compiled;
      if (auth === null) return { request, answer: redactEcho(compiled, await destination.send(outgoing, withinMs)) };

      let authMs: number | undefined;
      const seen: string[] = [];
      const told = (raw: Reply | NoReply): Carried => {
        const answer = redactEcho(compiled, raw, seen);
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
        const answer = await within(got, leftMs(), late);
        authMs = (authMs ?? 0) + performance.now() - since;
        return answer;
      };
      const send = (authorization: Exclude<Authorization, { failed: string }>) => {
        if (authorization.token !== undefined) seen.push(authorization.token);
        return destination.send({ ...outgoing, headers: { ...outgoing.headers, Authorization: authorization.value } }, leftMs());
      };

      const first = await known();
      if ('failed' in first) return told(noToken(first.failed));
      const answer = await send(first);
      if (first.token === undefined || answer.kind !== 'REPLY' || answer.status !== 401) return told(answer);
      const second = await known(first.token);
      if ('failed' in second) return told(noToken(`The receiver answered 401, and there is no new token: ${second.failed}`));
      return told(await send(second));
    },
    close: () => destination.close(),
  };
}

const noToken = (message: string): NoReply => ({ kind: 'NO_REPLY', stage: 'AUTH', message, sendMs: 0 });

async function within<T>(promise: Promise<T>, ms: number, late: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(late), ms);
  });
  return Promise.race([promise, end]).finally(() => clearTimeout(timer));
}
