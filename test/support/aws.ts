// Starts SNS and SQS on loopback, where the official SDK finds them, and an STS that knows one role.
import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { CreateTopicCommand, GetTopicAttributesCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, DeleteMessageBatchCommand, type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { answerQueueQuery, QUEUE_ACTIONS } from './sqs-query.js';
import { until } from './until.js';

export const REGION = 'eu-central-1';
/** The account that fauxqs uses. */
export const ACCOUNT = '000000000000';
export const KEYS = { accessKeyId: 'AKIAOWNOWNOWNOWNOWN1', secretAccessKey: 'own-secret/access+key' };
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/publisher`;
const ASSUMED = 'ASIAASSUMEDASSUMED01';

export interface Aws {
  endpoint: string;
  /** The action, access key and parameters of each request, in order. */
  asked: { action: string; accessKeyId: string; parameters: URLSearchParams }[];
  /** Answers the next requests in place of the service; `null`: the service answers. */
  answer: ((response: ServerResponse, action: string, passOn: () => void) => void) | null;
  /** The external id with which ROLE may be assumed. */
  externalId: string;
  queue(name: string): Promise<{ queueArn: string; queueUrl: string }>;
  /** Makes a topic and a queue that subscribes to the topic, with raw delivery by default. */
  topicWithQueue(name: string, options?: { raw: boolean }): Promise<{ topicArn: string; queueUrl: string }>;
  subscribeQueue(topicArn: string, name: string, options?: { raw: boolean }): Promise<string>;
  /** The topic's attributes; `null` when the topic doesn't exist. */
  attributesOf(topicArn: string): Promise<Record<string, string> | null>;
  /** Waits until `count` messages have arrived and deletes them from the queue. */
  receive(queueUrl: string, count: number): Promise<Message[]>;
  close(): Promise<void>;
}

/** @param events the port of a server for EventBridge */
export async function startAws({ events = null }: { events?: number | null } = {}): Promise<Aws> {
  const fauxqs = buildApp({ logger: false, defaultRegion: REGION });
  await fauxqs.listen({ host: '127.0.0.1', port: 0 });
  const { port } = fauxqs.server.address() as AddressInfo;

  const queueUrls = new Map<string, string>();
  const front = createServer(async (request, response) => {
    const body = withKnownQueue(await text(request));
    const isQuery = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
    const target = request.headers['x-amz-target'];
    // Records only sent messages and events, because consumers use the same protocol to read from a queue.
    const isSend = /\.(SendMessage|PutEvents)$/.test(String(target));
    const parameters = new URLSearchParams(isQuery ? body : '');
    if (QUEUE_ACTIONS.includes(parameters.get('Action') ?? '')) {
      // A consumer that is killed in a long poll gets no answer.
      return void answerQueueQuery(sqs, parameters, response).catch(() => response.destroy());
    }
    if ((isQuery || isSend) && byUs(request)) {
      const action = parameters.get('Action') ?? String(target).split('.').at(-1) ?? '';
      const accessKeyId = /Credential=(\w+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '';
      aws.asked.push({ action, accessKeyId, parameters });
      if (action === 'AssumeRole') return assumeRole(response, parameters);
      if (aws.answer) return aws.answer(response, action, passOn);
    }
    passOn();

    function passOn(): void {
      const { method, url: path, headers } = request;
      const to = events !== null && String(target).startsWith('AWSEvents.') ? events : port;
      const sized = { ...headers, 'content-length': String(Buffer.byteLength(body)) };
      const onward = forward({ host: '127.0.0.1', port: to, method, path, headers: sized }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      // The client or the server may end in the middle of a long poll.
      onward.on('error', () => response.destroy());
      onward.end(body);
    }
  });
  // At least the `Keep-Alive` of fauxqs, which this front server passes on.
  front.keepAliveTimeout = 75_000;
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  const endpoint = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;

  /** Replaces the URL of a queue: AWS finds a queue by the path of the URL, and fauxqs by the whole URL. */
  function withKnownQueue(body: string): string {
    return body.replace(/"QueueUrl":"[^"]*\/([^"/]+)"/, (whole, name) =>
      queueUrls.has(name) ? `"QueueUrl":"${queueUrls.get(name)}"` : whole,
    );
  }

  function assumeRole(response: ServerResponse, parameters: URLSearchParams): void {
    const isMay = parameters.get('RoleArn') === ROLE && parameters.get('ExternalId') === aws.externalId;
    if (!isMay) {
      answerError(response, 403, 'AccessDenied', `not authorized to perform: sts:AssumeRole on ${parameters.get('RoleArn')}`);
      return;
    }
    const expiration = new Date(Date.now() + 3_600_000).toISOString();
    response
      .writeHead(200, { 'content-type': 'text/xml' })
      .end(
        `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>${ASSUMED}</AccessKeyId><SecretAccessKey>assumed-secret</SecretAccessKey><SessionToken>assumed-session</SessionToken><Expiration>${expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
      );
  }

  // The test observes topics and queues with its own access keys, like a person with the command line of AWS.
  const own = { region: REGION, endpoint, credentials: { accessKeyId: OBSERVER, secretAccessKey: 'x' } };
  const sns = new SNSClient(own);
  const sqs = new SQSClient(own);
  const aws: Aws = {
    endpoint,
    asked: [],
    answer: null,
    externalId: 'org',
    async topicWithQueue(name, options) {
      const fifo = name.endsWith('.fifo');
      const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: name, ...(fifo && { Attributes: { FifoTopic: 'true' } }) }));
      return { topicArn: TopicArn, queueUrl: await aws.subscribeQueue(TopicArn, name, options) };
    },
    async queue(name) {
      const fifo = name.endsWith('.fifo');
      const { QueueUrl = '' } = await sqs.send(
        new CreateQueueCommand({ QueueName: name, ...(fifo && { Attributes: { FifoQueue: 'true' } }) }),
      );
      queueUrls.set(name, QueueUrl);
      return { queueUrl: QueueUrl, queueArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}` };
    },
    async subscribeQueue(topicArn, name, { raw } = { raw: true }) {
      const { queueUrl, queueArn: Endpoint } = await aws.queue(name);
      await sns.send(
        new SubscribeCommand({ TopicArn: topicArn, Protocol: 'sqs', Endpoint, Attributes: { RawMessageDelivery: String(raw) } }),
      );
      return queueUrl;
    },
    async attributesOf(topicArn) {
      try {
        return (await sns.send(new GetTopicAttributesCommand({ TopicArn: topicArn }))).Attributes ?? {};
      } catch (error) {
        if ((error as Error).name === 'NotFoundException') return null;
        throw error;
      }
    },
    async receive(queueUrl, count) {
      const messages: Message[] = [];
      await until(`${count} messages came`, async () => {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: queueUrl,
            MaxNumberOfMessages: 10,
            MessageAttributeNames: ['All'],
            MessageSystemAttributeNames: ['All'],
          }),
        );
        messages.push(...Messages);
        const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }));
        if (Entries.length > 0) await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
        return messages.length >= count;
      });
      return messages;
    },
    async close() {
      front.closeAllConnections();
      front.close();
      await fauxqs.close();
    },
  };
  return aws;
}

const OBSERVER = 'OBSERVEROBSERVER';
const byUs = ({ headers }: IncomingMessage) => !headers.authorization?.includes(`Credential=${OBSERVER}/`);

/** Answers with an error in the format of SNS and STS. */
export function answerError(response: ServerResponse, status: number, code: string, message: string): void {
  response
    .writeHead(status, { 'content-type': 'text/xml' })
    .end(
      `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`,
    );
}

/** Answers with an error in the format of SQS and EventBridge. */
export function answerJsonError(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify({ __type: code, message }));
}
