// Publishes messages to SNS topics by the official SDK, which is loaded with the first message.
import { pipeline, Transform } from 'node:stream';
import type { SNSClient, SNSServiceException } from '@aws-sdk/client-sns';
import { WebhooksError } from '../../base/errors.js';
import type { Publication, SnsAccess } from '../../base/model.js';
import { EgressFailed, failureStep, type Guard } from '../../base/network/guard.js';
import { regionOf } from '../../base/sns.js';
import { DEADLINE_MS, type Destination, MAX_RESPONSE_BYTES, type NoReply, noReplyOf, type Reply } from '../destination.js';
import { loadCredentialProviders, loadHttpHandler, loadSns } from './aws-sdk.js';

/** Maximum number of clients; beyond it the oldest is evicted, with its credentials. */
const MAX_CLIENTS = 1000;

type Agents = Pick<Guard, 'httpAgent' | 'httpsAgent'>;

/** Opens a destination with one client per set of credentials and region. The SDK tries once, because deliveries have their own retries. */
export function openSnsDestination(guard: Agents, deadlineMs = DEADLINE_MS): Destination<Publication> {
  const clients = new Map<string, { version: number; client: Promise<SNSClient> }>();

  function clientFor({ access, subscriptionId, version }: Publication): Promise<SNSClient> {
    const shared = access.keys === null && access.role === null;
    const key = shared ? regionOf(access.topicArn) : subscriptionId;
    const wanted = shared ? 0 : version;
    const known = clients.get(key);
    if (known?.version === wanted) return known.client;
    const client = openSnsClient(guard, access);
    clients.delete(key);
    clients.set(key, { version: wanted, client });
    if (clients.size > MAX_CLIENTS) clients.delete(clients.keys().next().value as string);
    return client;
  }

  async function publish(publication: Publication, signal: AbortSignal, started: number): Promise<Reply | NoReply> {
    const client = await clientFor(publication);
    try {
      await client.config.credentials();
    } catch (error) {
      if (error instanceof EgressFailed) throw error;
      const { role, keys } = publication.access;
      const what = role
        ? `The role ${role.arn} could not be assumed`
        : `${keys ? 'The keys' : "The installation's AWS credentials"} can't be used`;
      // The credential provider may wrap the error that caused the failure.
      const cause = (error as Error).cause;
      const { failure } = noReplyOf(failureStep(error) === null && cause ? cause : error, false, deadlineMs, 0);
      const sendMs = performance.now() - started;
      return { kind: 'NO_REPLY', stage: 'AUTH', message: `${what}: ${toldBy(error)}.`, ...(failure && { failure }), sendMs };
    }
    const { PublishCommand } = await loadSns();
    const { access, message, attributes, fifo } = publication;
    const output = await client.send(
      new PublishCommand({
        TopicArn: access.topicArn,
        Message: message,
        MessageAttributes: Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]),
        ),
        ...(fifo && { MessageGroupId: fifo.groupId, MessageDeduplicationId: fifo.deduplicationId }),
      }),
      { abortSignal: signal },
    );
    const { $metadata, ...answer } = output;
    return {
      kind: 'REPLY',
      status: $metadata.httpStatusCode ?? 200,
      headers: { 'content-type': 'application/json', ...($metadata.requestId && { 'x-amzn-requestid': $metadata.requestId }) },
      body: JSON.stringify(answer),
      sendMs: performance.now() - started,
    };
  }

  return {
    async send(publication, withinMs = deadlineMs) {
      const started = performance.now();
      const deadline = new AbortController();
      let timer: NodeJS.Timeout | undefined;
      // The SDK fetches credentials without the abort signal; this promise ends the attempt at the deadline all the same.
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          deadline.abort();
          reject(new Error('late'));
        }, withinMs);
      });
      try {
        return await Promise.race([publish(publication, deadline.signal, started), late]);
      } catch (error) {
        if (error instanceof EgressFailed || error instanceof WebhooksError) throw error;
        const sendMs = performance.now() - started;
        return (deadline.signal.aborted ? null : refusalOf(error, sendMs)) ?? noReplyOf(error, deadline.signal.aborted, deadlineMs, sendMs);
      } finally {
        clearTimeout(timer);
      }
    },
    close: async () => clients.clear(),
  };
}

/**
 * Creates an SNS client. It uses the credentials of the access or, without any, the SDK's defaults from the environment of the
 * process; all connections go through the guard.
 */
export async function openSnsClient(guard: Agents, { topicArn, endpoint, role, keys }: SnsAccess): Promise<SNSClient> {
  const { SNSClient } = await loadSns();
  const requestHandler = await boundedHandler(guard);
  const config = { region: regionOf(topicArn), requestHandler, maxAttempts: 1, ...(endpoint !== null && { endpoint }) };
  if (role === null) return new SNSClient({ ...config, ...(keys && { credentials: keys }) });
  const { fromTemporaryCredentials } = await loadCredentialProviders();
  const assumed = fromTemporaryCredentials({
    params: { RoleArn: role.arn, RoleSessionName: 'hookgraph', ExternalId: role.externalId },
    clientConfig: config,
    ...(keys && { masterCredentials: keys }),
  });
  return new SNSClient({ ...config, credentials: assumed });
}

/** Limits a response to MAX_RESPONSE_BYTES, and stops reading at the deadline. */
async function boundedHandler({ httpAgent, httpsAgent }: Agents) {
  const { NodeHttpHandler } = await loadHttpHandler();
  const inner = new NodeHttpHandler({ httpAgent, httpsAgent, requestTimeout: DEADLINE_MS });
  const handle: typeof inner.handle = async (request, options) => {
    const answered = await inner.handle(request, options);
    let size = 0;
    const bounded = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        size += chunk.length;
        done(size > MAX_RESPONSE_BYTES ? new Error(`the answer has more than ${MAX_RESPONSE_BYTES} bytes`) : null, chunk);
      },
    });
    const signal = options?.abortSignal as AbortSignal | undefined;
    signal?.addEventListener('abort', () => bounded.destroy(new Error('late')), { once: true });
    answered.response.body = pipeline(answered.response.body, bounded, () => {});
    return answered;
  };
  return { handle };
}

/** Returns the response of AWS; `null` when there was none. */
function refusalOf(error: unknown, sendMs: number): Reply | NoReply | null {
  const { $metadata, name, message } = error as SNSServiceException;
  const status = $metadata?.httpStatusCode;
  if (status === undefined) return null;
  if (status < 300)
    return { kind: 'NO_REPLY', stage: 'STATUS', message: `The endpoint answered with status ${status}, but not as SNS does.`, sendMs };
  return {
    kind: 'REPLY',
    status,
    headers: { 'content-type': 'application/json', ...($metadata.requestId && { 'x-amzn-requestid': $metadata.requestId }) },
    body: JSON.stringify({ code: name, message }),
    told: toldBy(error),
    sendMs,
  };
}

const toldBy = (error: unknown): string => `${(error as Error).name}: ${(error as Error).message}`.replace(/\.$/, '');
