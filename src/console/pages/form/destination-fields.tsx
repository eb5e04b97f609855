// Shows the choice of the kind of destination, then the fields of that kind.
import type { GraphQLSchema } from 'graphql';
import { useFormContext, useWatch } from 'react-hook-form';
import type { DestinationOffer } from './choices.js';
import { type Choice, type Name, SegmentInput, SwitchInput, TextInput } from './controls';
import { type DestinationKind, type Draft, FIELD_OF } from './draft.js';
import styles from './groups.module.css';
import { inputFields, offersField } from './help-texts.js';
import { useFormScope } from './scope';

const KINDS: (Choice & { value: DestinationKind })[] = [
  { value: 'HTTPS', label: 'HTTPS' },
  { value: 'SNS', label: 'SNS' },
  { value: 'MANAGED_SNS', label: 'Managed SNS' },
  { value: 'SQS', label: 'SQS' },
  { value: 'EVENT_BRIDGE', label: 'EventBridge' },
];

const HELP =
  'Where notifications go: an HTTPS URL, an AWS SNS topic of yours or one that Hookgraph creates (managed), an SQS queue, or an EventBridge event bus.';

/** The fields with which a webhook has AWS credentials of its own. */
const ACCESS_KEY = ['accessKeyId', 'secretAccessKey'];

interface Props {
  offers: readonly DestinationOffer[];
  /** Whether the saved webhook has a managed topic, which is then offered even if the installation no longer offers it. */
  isManaged: boolean;
}

export function DestinationFields({ offers, isManaged }: Props) {
  const { control } = useFormContext<Draft>();
  const kind = useWatch({ control, name: 'destination' });
  const { schema } = useFormScope();
  const name = FIELD_OF[kind];
  const offer = offers.find(({ field }) => field === name);
  const isOffered = (value: DestinationKind) =>
    offersField(schema, FIELD_OF[value]) && (value !== 'MANAGED_SNS' || isManaged || offers.some(({ managed }) => managed));
  const settings = settingsOf(schema, kind);
  return (
    <>
      <SegmentInput name="destination" label="Destination" help={HELP} choices={KINDS.filter(({ value }) => isOffered(value))} />
      {name === 'callbackUrl' ? (
        <TextInput name="callbackUrl" label="Callback URL" isRequired type="url" placeholder="https://example.com/webhooks" isCode />
      ) : (
        <div className={styles.settings}>
          {settings.map((setting) => (
            <SettingInput key={`${kind}.${setting.name}`} path={`${name}.${setting.name}` as Name} setting={setting} />
          ))}
          {offer && settings.some(({ name }) => ACCESS_KEY.includes(name)) && <p className={styles.note}>{credentialsText(offer)}</p>}
        </div>
      )}
    </>
  );
}

function credentialsText({ accounts }: DestinationOffer): string {
  if (accounts.length === 0) return 'This installation has no AWS credentials for you: enter an access key.';
  return `Without an access key, this installation uses its own AWS credentials. They may be used for ${accounts.length === 1 ? 'the account' : 'the accounts'} ${accounts.join(', ')}.`;
}

interface Setting {
  name: string;
  isBoolean: boolean;
}

function SettingInput({ path, setting: { name, isBoolean } }: { path: Name; setting: Setting }) {
  if (isBoolean) return <SwitchInput name={path} label={labelOf(name)} />;
  return (
    <TextInput
      name={path}
      label={labelOf(name)}
      isRequired={REQUIRED.has(name)}
      isCode
      type={name === 'secretAccessKey' ? 'password' : 'text'}
      placeholder={PLACEHOLDERS[name] ?? ''}
    />
  );
}

const REQUIRED = new Set(['topicArn', 'queueArn', 'eventBusArn', 'subscriberPrincipal']);
const PLACEHOLDERS: Record<string, string> = {
  topicArn: 'arn:aws:sns:eu-central-1:123456789012:name',
  queueArn: 'arn:aws:sqs:eu-central-1:123456789012:name',
  eventBusArn: 'arn:aws:events:eu-central-1:123456789012:event-bus/name',
  subscriberPrincipal: '123456789012',
  source: 'hookgraph',
};

/** The order in which people fill them in. The API lists them by name. */
const ORDER = [
  'topicArn',
  'queueArn',
  'eventBusArn',
  'source',
  'subscriberPrincipal',
  'fifo',
  'roleArn',
  'accessKeyId',
  'secretAccessKey',
  'endpoint',
];
const MANAGED = new Set(['subscriberPrincipal', 'fifo']);

/** Returns the settings that the API has for a kind of destination. */
function settingsOf(schema: GraphQLSchema | null | undefined, kind: DestinationKind): Setting[] {
  const fields = inputFields(schema, FIELD_OF[kind]);
  const names = ORDER.filter((name) => fields[name] && (FIELD_OF[kind] !== 'sns' || MANAGED.has(name) === (kind === 'MANAGED_SNS')));
  return names.map((name) => ({ name, isBoolean: String(fields[name]?.type) === 'Boolean' }));
}

const LABELS: Record<string, string> = { fifo: 'FIFO topic' };

/** Returns the label of a setting from its name: `Topic ARN` for `topicArn`. */
function labelOf(name: string): string {
  const words = name
    .replaceAll(/([A-Z])/g, ' $1')
    .toLowerCase()
    .replace(/\barn\b/, 'ARN');
  return LABELS[name] ?? words.charAt(0).toUpperCase() + words.slice(1);
}
