// Starts Moto, which answers as EventBridge and as the SQS queues behind its rules.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { CreateEventBusCommand, EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { REGION } from './aws.js';
import { freePort } from './cli.js';
import { until } from './until.js';

/** Whether Moto is installed, for example by `pip install 'moto[server]'`. */
export const hasMoto = spawnSync('moto_server', ['--help']).status === 0;

export interface Moto {
  port: number;
  /** Makes an event bus with a rule that puts every event into a queue. */
  eventBus(name: string): Promise<{ eventBusArn: string; queueUrl: string }>;
  /** Waits until `count` events are in the queue, and removes them. */
  receive(queueUrl: string, count: number): Promise<BusEvent[]>;
  close(): Promise<void>;
}

export interface BusEvent {
  source: string;
  'detail-type': string;
  detail: Record<string, unknown>;
  resources: string[];
}

export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  await until('Moto answers', async () => (await fetch(`http://127.0.0.1:${port}/moto-api/`).catch(() => null))?.ok);
  const config = { region: REGION, endpoint: `http://127.0.0.1:${port}`, credentials: { accessKeyId: 'x', secretAccessKey: 'x' } };
  const [events, sqs] = [new EventBridgeClient(config), new SQSClient(config)];
  return {
    port,
    async eventBus(name) {
      const { EventBusArn = '' } = await events.send(new CreateEventBusCommand({ Name: name }));
      const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: `behind-${name}` }));
      const Arn = `arn:aws:sqs:${REGION}:${EventBusArn.split(':')[4]}:behind-${name}`;
      await events.send(new PutRuleCommand({ Name: name, EventBusName: name, EventPattern: JSON.stringify({ source: [{ prefix: '' }] }) }));
      await events.send(new PutTargetsCommand({ Rule: name, EventBusName: name, Targets: [{ Id: 'queue', Arn }] }));
      return { eventBusArn: EventBusArn, queueUrl: QueueUrl };
    },
    async receive(QueueUrl, count) {
      const received: BusEvent[] = [];
      await until(`${count} events came`, async () => {
        const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
        received.push(...Messages.map(({ Body = '' }) => JSON.parse(Body)));
        const Entries = Messages.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }));
        if (Entries.length > 0) await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
        return received.length >= count;
      });
      return received;
    },
    async close() {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
