// Sends messages to SQS queues with the official SDK.
import type { SendMessageCommandOutput, SQSClient } from '@aws-sdk/client-sqs';
import { toMessageAttributes } from '../aws/message.js';
import { missing } from '../aws/packages.js';
import type { AwsService } from '../aws/sender.js';
import type { QueueMessage } from './message.js';

const loadSqs = () => import('@aws-sdk/client-sqs').catch((cause) => missing('@aws-sdk/client-sqs', cause));

const NO_QUEUE = 'There is no such queue in this account and region: correct `queueArn`, or create the queue';
const NOT_ALLOWED = 'Allow `sqs:SendMessage` on the queue, in its policy or in that of the key or role';

export const SQS: AwsService<SQSClient, QueueMessage> = {
  name: 'SQS',
  async connect(config) {
    const { SQSClient } = await loadSqs();
    // Requests go to the endpoint of the client, not to the host in the queue's URL.
    return new SQSClient({ ...config, useQueueUrlAsEndpoint: false });
  },
  async send(client, { access, text, attributes, fifo }, options): Promise<SendMessageCommandOutput> {
    const { SendMessageCommand } = await loadSqs();
    const command = new SendMessageCommand({
      QueueUrl: access.queueUrl,
      MessageBody: text,
      MessageAttributes: toMessageAttributes(attributes),
      ...(fifo && { MessageGroupId: fifo.groupId, MessageDeduplicationId: fifo.deduplicationId }),
    });
    return client.send(command, options);
  },
  idIn: (output) => (output as SendMessageCommandOutput).MessageId,
  advice: {
    QueueDoesNotExist: NO_QUEUE,
    'AWS.SimpleQueueService.NonExistentQueue': NO_QUEUE,
    AccessDenied: NOT_ALLOWED,
    KmsAccessDenied: "Allow `kms:GenerateDataKey` and `kms:Decrypt` on the queue's key",
  },
};
