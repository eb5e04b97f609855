// Shows the settings of a webhook. Leaves out settings that aren't set, unless their absence means something; then says so.
import type { ReactNode } from 'react';
import { Code } from '../../kit/code';
import { Id } from '../../kit/id';
import { Card, Facts, Section } from '../../kit/page';
import { formatMs, Time } from '../../kit/time';
import { destinationOf } from '../webhooks/parts';
import styles from './overview.module.css';
import type { Webhook } from './queries';

type Fact = [name: string, value: ReactNode];

export function Settings({ webhook }: { webhook: Webhook }) {
  const texts: [string, string | null][] = [
    ['Query', webhook.query],
    ['Data validation template', webhook.validationTemplate],
    ['Template', webhook.template],
    ['Error handling template', webhook.errorTemplate],
  ];
  const written = texts.filter((text): text is [string, string] => text[1] !== null);
  return (
    <Section title="Settings">
      <div className={styles.settings}>
        <Card>
          <Facts facts={[...destinationFacts(webhook), ...securityFacts(webhook), ...timeFacts(webhook)]} />
        </Card>
        <Card>
          <Facts facts={behaviourFacts(webhook)} />
        </Card>
      </div>
      {written.length > 0 && (
        <div className={styles.settings}>
          {written.map(([name, text]) => (
            <div key={name} className={styles.code}>
              <h3>{name}</h3>
              <Code text={text} what={name} />
            </div>
          ))}
        </div>
      )}
    </Section>
  );
}

function destinationFacts(webhook: Webhook): Fact[] {
  const { kind, address } = destinationOf(webhook);
  const aws = webhook.sns ?? webhook.sqs ?? webhook.eventBridge;
  return [
    ['Id', <Id key="id" id={webhook.databaseId} what="the id of the webhook" />],
    ['Topic', `${webhook.topic?.key ?? 'unknown'} (version ${webhook.topic?.version ?? '?'})`],
    ['Destination', `${kind}: ${address}`],
    ...(aws?.roleArn ? [['Role', aws.roleArn] as Fact] : []),
    ['Content type', webhook.contentType],
    ...(webhook.headers.length > 0 ? [['Headers', webhook.headers.map(({ name }) => name).join(', ')] as Fact] : []),
    ...(webhook.integrationLabel || webhook.integrationId
      ? [['Integration', webhook.integrationLabel ?? webhook.integrationId] as Fact]
      : []),
    ...(webhook.environmentLabels?.length
      ? [['Environments', webhook.environmentLabels.map((label) => label ?? '?').join(', ')] as Fact]
      : []),
  ];
}

function securityFacts({ hasSharedSecret, signatures, secretRotation, publicKey, auth }: Webhook): Fact[] {
  return [
    ['Shared secret', hasSharedSecret ? 'Set. It can’t be read again, only rotated.' : 'None: the receiver can’t verify notifications.'],
    ...(hasSharedSecret && signatures.length > 0 ? [['Signatures', signatures.map(words).join(', ')] as Fact] : []),
    ...(secretRotation
      ? [
          [
            'Rotation',
            <>
              The old secret also signs until <Time key="ends" at={secretRotation.endsAt} />
            </>,
          ] as Fact,
        ]
      : []),
    ...(publicKey ? [['Public key', <Id key="key" id={publicKey} what="the public key" />] as Fact] : []),
    ...(auth ? [['Authentication', [words(auth.kind), auth.clientId, auth.tokenUrl].filter(Boolean).join(' · ')] as Fact] : []),
  ];
}

const timeFacts = ({ createdAt, updatedAt }: Webhook): Fact[] => [
  ['Created', <Time key="created" at={createdAt} />],
  ['Changed', <Time key="updated" at={updatedAt} />],
];

function behaviourFacts(webhook: Webhook): Fact[] {
  const { retry, rateLimit, recording } = webhook;
  return [
    ...(webhook.phase === 'BEFORE'
      ? [
          [
            'Phase',
            `Before the write, which waits up to ${formatMs(webhook.timeoutMs ?? 0)}; on failure: ${words(webhook.onFailure ?? '')}`,
          ] as Fact,
        ]
      : []),
    ['Retries', retryText(retry)],
    ['Rate limit', rateLimit ? limitText(rateLimit) : 'As fast as the receiver accepts'],
    ['Coalescing', words(webhook.coalescing)],
    ['Updates', webhook.skipUnread ? 'Skipped if nothing that is read changed' : 'All'],
    ['Related rows', webhook.relatedChanges ? 'Changes of those that the query reads are sent' : 'Not sent'],
    ['Numbers', webhook.numbered ? 'Each notification has a number' : 'None'],
    ['Order', webhook.ordering === 'NONE' ? 'Any' : words(webhook.ordering)],
    [
      'Recording',
      recording.bodies
        ? `Bodies are recorded${recording.maskedPaths.length > 0 ? `, without ${recording.maskedPaths.join(', ')}` : ''}`
        : 'Bodies are not recorded',
    ],
  ];
}

function retryText(retry: Webhook['retry']): string {
  if (!retry) return '25 retries in about 21 days';
  const tries = retry.maxTries === null ? '26 attempts' : `${retry.maxTries} attempts`;
  return retry.maxTimeMs === null ? `At most ${tries}` : `At most ${tries}, within ${formatMs(retry.maxTimeMs)}`;
}

function limitText({ perSecond, concurrency }: NonNullable<Webhook['rateLimit']>): string {
  return [perSecond !== null && `${perSecond} a second`, concurrency !== null && `${concurrency} at a time`].filter(Boolean).join(', ');
}

/** The name of an enum value as words: `STANDARD_WEBHOOKS` is `Standard webhooks`. */
function words(name: string): string {
  const text = name.toLowerCase().replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
