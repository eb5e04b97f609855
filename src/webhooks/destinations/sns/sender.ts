// Publishes messages to SNS topics with the official SDK.
import type * as Sns from '@aws-sdk/client-sns';
import type { PublishCommandOutput, SNSClient } from '@aws-sdk/client-sns';
import { toMessageAttributes } from '../aws/message.js';
import { missing } from '../aws/packages.js';
import type { AwsService } from '../aws/sender.js';
import type { Publication } from './message.js';

export const loadSns = (): Promise<typeof Sns> => import('@aws-sdk/client-sns').catch((cause) => missing('@aws-sdk/client-sns', cause));

export const SNS: AwsService<SNSClient, Publication> = {
  name: 'SNS',
  async connect(config) {
    const { SNSClient } = await loadSns();
    return new SNSClient(config);
  },
  async send(client, { access, text, attributes, fifo }, options): Promise<PublishCommandOutput> {
    const { PublishCommand } = await loadSns();
    const command = new PublishCommand({
      TopicArn: access.topicArn,
      Message: text,
      MessageAttributes: toMessageAttributes(attributes),
      ...(fifo && { MessageGroupId: fifo.groupId, MessageDeduplicationId: fifo.deduplicationId }),
    });
    return client.send(command, options);
  },
  idIn: (output) => (output as PublishCommandOutput).MessageId,
};
