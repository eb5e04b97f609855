// Answers SQS' older query protocol, in which boto3 before 1.28.82 reads a queue and which fauxqs lacks.
import type { ServerResponse } from 'node:http';
import { DeleteMessageCommand, type Message, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { escapeXml } from '../../src/webhooks/base/templates/rendering.mjs';

export const QUEUE_ACTIONS = ['ReceiveMessage', 'DeleteMessage'];

const NAMESPACE = 'http://queue.amazonaws.com/doc/2012-11-05/';

export async function answerQueueQuery(sqs: SQSClient, parameters: URLSearchParams, response: ServerResponse): Promise<void> {
  const action = parameters.get('Action') as string;
  const QueueUrl = parameters.get('QueueUrl') as string;
  let result = '';
  if (action === 'DeleteMessage')
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: parameters.get('ReceiptHandle') as string }));
  else {
    const [MaxNumberOfMessages, WaitTimeSeconds] = ['MaxNumberOfMessages', 'WaitTimeSeconds'].map((name) => Number(parameters.get(name)));
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages, WaitTimeSeconds }));
    result = `<ReceiveMessageResult>${Messages.map(messageXml).join('')}</ReceiveMessageResult>`;
  }
  response
    .writeHead(200, { 'content-type': 'text/xml' })
    .end(
      `<${action}Response xmlns="${NAMESPACE}">${result}<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></${action}Response>`,
    );
}

const messageXml = (message: Message): string =>
  `<Message>${(['MessageId', 'ReceiptHandle', 'MD5OfBody', 'Body'] as const).map((name) => `<${name}>${escapeXml(message[name] ?? '')}</${name}>`).join('')}</Message>`;
