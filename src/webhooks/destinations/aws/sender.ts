// Sends messages to an AWS service with the official SDK, which is loaded when the first message is sent.
import { pipeline, Transform } from 'node:stream';
import type { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { DEFAULT_DEADLINES } from '../../base/deadlines.js';
import { WebhooksError } from '../../base/errors.js';
import { AnswerRefused } from '../../base/network/answer-refused.js';
import { brokeOnReuse, EgressFailed, failureStep, type Guard, type MaySend, permissions, Withdrawn } from '../../base/network/guard.js';
import {
  type Destination,
  isClosedByPeer,
  MAX_RESPONSE_BYTES,
  type NoReply,
  noReplyOf,
  type Reply,
  refusedAnswer,
  unansweredReply,
} from '../destination.js';
import type { AwsAccess } from './access.js';
import { loadCredentialProviders, loadHttpHandler } from './packages.js';

export interface AwsMessage {
  access: AwsAccess;
  /** `subscriptionId` and `version` identify the cached SDK client, which holds the credentials of that version of the subscription. */
  subscriptionId: string;
  version: number;
}

interface Client {
  config: { credentials(): Promise<unknown> };
}

interface Metadata {
  httpStatusCode?: number | undefined;
  requestId?: string | undefined;
}

interface ClientConfig {
  region: string;
  endpoint?: string;
  maxAttempts: number;
  requestHandler: Pick<NodeHttpHandler, 'handle'>;
  credentials?: (AwsAccess['keys'] & object) | ReturnType<typeof fromTemporaryCredentials>;
}

/** The options of a command, which the SDK passes on to the HTTP handler. */
interface HandlerOptions {
  abortSignal: AbortSignal;
  maySend?: MaySend | undefined;
}

/** The functions and messages that differ between the AWS services. */
export interface AwsService<C extends Client, M extends AwsMessage> {
  /** The name that error messages use, e.g. `SQS`. */
  name: string;
  connect(config: ClientConfig): Promise<C>;
  send(client: C, message: M, options: HandlerOptions): Promise<{ $metadata: Metadata }>;
  /** Returns the id that the service gave the message; `undefined` when the response has none, and therefore isn't from the service. */
  idIn(output: object): string | undefined;
  /** Returns the failure that a response with a successful status reports; `null` when it reports none. */
  failureIn?(output: object): { code: string; message: string } | null;
  /** Advice for the user by error code. A code is absent when the message of AWS says enough. */
  advice?: Record<string, string>;
}

/** Maximum number of cached clients. When there are more, the one that was opened first is dropped together with its credentials. */
const MAX_CLIENTS = 1000;

type Agents = Pick<Guard, 'httpAgent' | 'httpsAgent'>;

/** Opens a sender. The SDK doesn't retry, because deliveries have their own retries. */
export function openAwsSender<C extends Client, M extends AwsMessage>(
  service: AwsService<C, M>,
  guard: Agents,
  deadlineMs = DEFAULT_DEADLINES.requestMs,
): Destination<M> {
  const clients = new Clients<C>((access) => openAwsClient(service, guard, access, deadlineMs));

  async function send(message: M, started: number, options: HandlerOptions): Promise<Reply | NoReply> {
    const client = await clients.of(message);
    try {
      await client.config.credentials();
    } catch (error) {
      if (error instanceof EgressFailed) throw error;
      return withoutCredentials(error, message.access, deadlineMs, performance.now() - started);
    }
    if (options.maySend && !(await options.maySend())) throw new Withdrawn();
    const { $metadata, ...answer } = await service.send(client, message, options);
    const failure = service.failureIn?.(answer) ?? null;
    const status = $metadata.httpStatusCode ?? 200;
    if (!failure && !service.idIn(answer)) return foreignAnswer(service, status, performance.now() - started);
    return {
      kind: 'REPLY',
      status,
      headers: headersOf($metadata),
      body: JSON.stringify(answer),
      ...(failure && { isFailure: true, ...explain(service, failure) }),
      sendMs: performance.now() - started,
    };
  }

  return {
    async send(message, withinMs = deadlineMs, maySend) {
      const started = performance.now();
      const deadline = new AbortController();
      let timer: NodeJS.Timeout | undefined;
      // The SDK ignores the abort signal while it fetches credentials, so this promise ends the attempt at the deadline.
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          deadline.abort();
          reject(new Error('late'));
        }, withinMs);
      });
      try {
        return await Promise.race([send(message, started, { abortSignal: deadline.signal, maySend }), late]);
      } catch (error) {
        if (error instanceof EgressFailed || error instanceof Withdrawn || error instanceof WebhooksError) throw error;
        const sendMs = performance.now() - started;
        if (error instanceof AnswerRefused) return refusedAnswer(error, sendMs);
        if (isClosedByPeer(error) && brokeOnReuse.has(error as Error)) return unansweredReply(sendMs);
        const isLate = deadline.signal.aborted;
        return (isLate ? null : replyOf(service, error, sendMs)) ?? noReplyOf(error, isLate, deadlineMs, sendMs);
      } finally {
        clearTimeout(timer);
      }
    },
    close: async () => clients.clear(),
  };
}

/**
 * Caches the SDK clients of this process. Subscriptions that use the installation's credentials share one client per region; each other
 * subscription has a client of its own.
 */
class Clients<C> {
  private readonly clients = new Map<string, { version: number; client: Promise<C> }>();

  constructor(private readonly open: (access: AwsAccess) => Promise<C>) {}

  of({ access, subscriptionId, version }: AwsMessage): Promise<C> {
    const isShared = access.keys === null && access.role === null;
    const key = isShared ? access.region : subscriptionId;
    const cachedVersion = isShared ? 0 : version;
    const known = this.clients.get(key);
    if (known?.version === cachedVersion) return known.client;
    const client = this.open(access);
    this.clients.delete(key);
    this.clients.set(key, { version: cachedVersion, client });
    client.catch(() => this.clients.get(key)?.client === client && this.clients.delete(key));
    if (this.clients.size > MAX_CLIENTS) this.clients.delete(this.clients.keys().next().value as string);
    return client;
  }

  clear(): void {
    this.clients.clear();
  }
}

/**
 * Opens an SDK client with the role or the access key of `access`. If it has neither, the SDK finds credentials in the environment of the
 * process.
 */
export async function openAwsClient<C extends Client, M extends AwsMessage>(
  service: Pick<AwsService<C, M>, 'connect'>,
  guard: Agents,
  access: AwsAccess,
  deadlineMs = DEFAULT_DEADLINES.requestMs,
): Promise<C> {
  return service.connect(await clientConfig(guard, access, deadlineMs));
}

async function clientConfig(guard: Agents, { region, endpoint, role, keys }: AwsAccess, deadlineMs: number): Promise<ClientConfig> {
  const requestHandler = await boundedHandler(guard, deadlineMs);
  const config = { region, requestHandler, maxAttempts: 1, ...(endpoint !== null && { endpoint }) };
  if (role === null) return { ...config, ...(keys && { credentials: keys }) };
  const { fromTemporaryCredentials } = await loadCredentialProviders();
  const credentials = fromTemporaryCredentials({
    params: { RoleArn: role.arn, RoleSessionName: 'hookgraph', ExternalId: role.externalId },
    clientConfig: config,
    ...(keys && { masterCredentials: keys }),
  });
  return { ...config, credentials };
}

/** Creates the SDK's HTTP handler. It fails when a response has more than MAX_RESPONSE_BYTES, and stops reading at the deadline. */
async function boundedHandler({ httpAgent, httpsAgent }: Agents, deadlineMs: number) {
  const { NodeHttpHandler } = await loadHttpHandler();
  const inner = new NodeHttpHandler({ httpAgent, httpsAgent, requestTimeout: deadlineMs });
  const handle: typeof inner.handle = async (request, options) => {
    const { maySend } = (options ?? {}) as Partial<HandlerOptions>;
    if (maySend) permissions.set(request.headers, maySend);
    const answered = await inner.handle(request, options);
    let size = 0;
    const bounded = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        size += chunk.length;
        done(size > MAX_RESPONSE_BYTES ? new Error(`the response has more than ${MAX_RESPONSE_BYTES} bytes`) : null, chunk);
      },
    });
    const signal = options?.abortSignal as AbortSignal | undefined;
    signal?.addEventListener('abort', () => bounded.destroy(new Error('late')), { once: true });
    answered.response.body = pipeline(answered.response.body, bounded, () => {});
    return answered;
  };
  return { handle };
}

function withoutCredentials(error: unknown, { role, keys }: AwsAccess, deadlineMs: number, sendMs: number): NoReply {
  const what = role
    ? `The role ${role.arn} could not be assumed`
    : `${keys ? 'The access keys' : "The installation's AWS credentials"} can't be used`;
  // The credential provider may wrap the network error that caused the failure.
  const cause = (error as Error).cause;
  const { failure } = noReplyOf(failureStep(error) === null && cause ? cause : error, false, deadlineMs, 0);
  const { name, message } = error as Error;
  return { kind: 'NO_REPLY', stage: 'AUTH', message: `${what}: ${sentence(name, message)}.`, ...(failure && { failure }), sendMs };
}

/** Converts an error of the SDK into the response that AWS sent; returns `null` when AWS sent none. */
function replyOf<C extends Client, M extends AwsMessage>(
  service: AwsService<C, M>,
  error: unknown,
  sendMs: number,
): Reply | NoReply | null {
  const { $metadata, name, message: said } = error as Error & { $metadata?: Metadata };
  // The SDK adds advice for programmers to the message of a response that it can't read.
  const message = said.replace(/\n\s*Deserialization error: .*$/s, '');
  // The SDK's client of SQS throws this error when the response has no checksum of the message, or a wrong one.
  const status = said === 'InvalidChecksumError' ? 200 : $metadata?.httpStatusCode;
  if (status === undefined) return null;
  if (status < 300) return foreignAnswer(service, status, sendMs);
  return {
    kind: 'REPLY',
    status,
    headers: headersOf($metadata as Metadata),
    body: JSON.stringify({ code: name, message }),
    ...explain(service, { code: name, message }),
    sendMs,
  };
}

/** Returns the result for a response that can't come from the service, although its status is successful: the message may be lost. */
const foreignAnswer = ({ name }: { name: string }, status: number, sendMs: number): NoReply => ({
  kind: 'NO_REPLY',
  stage: 'ANSWER',
  status,
  message: `The endpoint answered with status ${status}, but its response is not that of ${name}. Check \`endpoint\`.`,
  sendMs,
});

/** Error codes by which AWS asks to slow down: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html */
const THROTTLED =
  /^(Throttl(ing|ed)|RequestThrottled|TooManyRequests|RequestLimitExceeded|BandwidthLimitExceeded|LimitExceeded|OverLimit|SlowDown|KMSThrottling|KmsThrottled)/;

function explain(
  { advice = {} }: Pick<AwsService<Client, AwsMessage>, 'advice'>,
  { code, message }: { code: string; message: string },
): Pick<Reply, 'explanation' | 'isThrottled'> {
  const help = Object.entries(advice).find(([known]) => code.replace(/Exception$/, '') === known)?.[1];
  return {
    explanation: `${sentence(code, message)}${help ? `. ${help}` : ''}`,
    ...(THROTTLED.test(code) && { isThrottled: true }),
  };
}

const headersOf = ({ requestId }: Metadata): Record<string, string> => ({
  'content-type': 'application/json',
  ...(requestId && { 'x-amzn-requestid': requestId }),
});

const sentence = (code: string, message: string): string => `${code}: ${message}`.replace(/\.$/, '');
