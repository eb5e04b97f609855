// Adds `webhooks test` and `webhooks preview`, which print the result of each stage of a notification.
import { RuntimeError } from '../../runtime/runtime-error.js';
import { type Answer, type Client, throwMistakes } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command, Option, wholeNumber } from '../command.js';
import { findSubscription } from '../find.js';
import { failed, printReport, REPORT } from '../report.js';
import { readText } from '../subscription-input.js';
import type { Terminal } from '../terminal.js';
import { addDefinition, readWritten, type Written } from './save-webhook.js';

const TEST = `mutation ($id: ID, $nodeId: ID) { testWebhookSubscription(id: $id, nodeId: $nodeId) { errors { field fullMessage type } report { ${REPORT} } webhookDelivery { id databaseId } } }`;
const PREVIEW = `mutation ($webhookSubscription: WebhookSubscriptionInput, $nodeId: ID, $response: WebhookResponseInput, $attemptId: ID) {
  previewWebhookSubscription(webhookSubscription: $webhookSubscription, nodeId: $nodeId, response: $response, attemptId: $attemptId) {
    errors { field fullMessage type place { line column } } warnings { field fullMessage place { line column } } report { ${REPORT} } } }`;

export function addTryOut(webhooks: Command, cli: Cli): void {
  const { terminal, connect } = cli;
  addAnswering(
    webhooks,
    'test <webhook>',
    "send a test notification with the newest node of the topic's type now, and print the result of each stage",
    ['webhooks test "CRM users"', 'webhooks test "CRM users" --node VXNlcjox'],
  )
    .option('--node <id>', "global id of the node to send; default: the newest node of the topic's type")
    .action(async (name: string, { json, node }: Answering & { node?: string }) => {
      const client = await connect();
      const { id } = await findSubscription(client, name);
      const tested = await testSubscription(client, id, node);
      if (json) terminal.json(tested);
      else printReport(terminal, tested.report);
      throwFailure(tested.report);
    });
  addDefinition(
    addAnswering(
      webhooks,
      'preview [webhook]',
      'show what a saved subscription, changed by the options, or a new subscription would send; sends and saves nothing',
      [
        'webhooks preview "CRM users" --node VXNlcjox',
        'webhooks preview --topic user/created --url https://crm.example/hooks --query @users.graphql',
        'webhooks preview "CRM users" --response @answer.json --status 422',
        'webhooks preview "CRM users" --attempt 7263548190000129',
      ],
    ),
  )
    .option('--node <id>', "global id of the node to preview with; default: the newest node of the topic's type")
    .option('--response <body>', 'judge a response with this body as if the receiver had sent it: the text, @file, or @- for stdin')
    .addOption(new Option('--status <status>', 'HTTP status of that response; default: 200').argParser(wholeNumber))
    .option('--attempt <id>', 'judge the recorded response of this attempt')
    .action(async (name: string | undefined, options: Written & Answering & Judged) => {
      const client = await connect();
      const known = name === undefined ? null : await findSubscription(client, name);
      const [input] = await readWritten(client, cli, options, known === null);
      const [payload] = Object.values(
        await client.ask(PREVIEW, {
          webhookSubscription: { ...input, ...(known && { id: known.id }) },
          nodeId: options.node ?? null,
          response: await responseOf(cli, options),
          attemptId: options.attempt ?? null,
        }),
      ) as [Answer];
      if (options.json) terminal.json(payload);
      else printPreview(terminal, payload);
      throwMistakes(payload.errors);
      throwFailure(payload.report);
    });
}

interface Judged {
  node?: string;
  response?: string;
  status?: number;
  attempt?: string;
}

async function responseOf({ terminal }: Cli, { response, status }: Judged): Promise<{ status?: number; body?: string } | null> {
  if (response === undefined && status === undefined) return null;
  return {
    ...(status !== undefined && { status }),
    ...(response !== undefined && { body: await readText(response, () => terminal.readAll()) }),
  };
}

function printPreview(terminal: Terminal, { warnings, report }: Answer): void {
  if (report) printReport(terminal, report);
  for (const { fullMessage } of warnings) terminal.note(`Warning: ${fullMessage}`);
}

/** Sends a test notification. @throws RuntimeError when the subscription doesn't exist, or no node exists to send */
export async function testSubscription(
  client: Client,
  id: string,
  nodeId: string | null = null,
): Promise<{ report: Answer; webhookDelivery: Answer }> {
  const { report, webhookDelivery } = await client.mutate(TEST, { id, nodeId });
  return { report, webhookDelivery };
}

function throwFailure(report: Answer): void {
  if (report && failed(report))
    throw new RuntimeError('TEST_FAILED', `The test failed at the stage ${report.stage ?? '(unknown)'}`, report.message ?? undefined);
}
