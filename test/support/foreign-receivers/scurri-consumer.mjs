// Consumes the SQS queue whose URL is in argv, as Scurri's customers do: reads messages, checks event_type, deletes
// handled messages. Prints a line of JSON for each event.
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

const QueueUrl = process.argv[2];
const sqs = new SQSClient({ endpoint: process.env.AWS_ENDPOINT_URL });

function handle(event) {
  console.log(JSON.stringify({ event_type: event.event_type, event }));
}

console.log('ready');
for (;;) {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }));
  for (const { Body, ReceiptHandle } of Messages) {
    const notification = JSON.parse(Body);
    handle(JSON.parse(notification.Message));
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }
}
