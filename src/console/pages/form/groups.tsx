// The groups of the form that can be opened: settings that most webhooks don't need.
import { type ReactNode, useState } from 'react';
import { useFieldArray, useFormContext, useWatch } from 'react-hook-form';
import { Button, IconButton } from '../../kit/button';
import { ChecksInput } from './checks-input';
import { Chevron, type Choice, SegmentInput, SelectInput, SwitchInput, TextInput } from './controls';
import controls from './controls.module.css';
import type { Draft } from './draft.js';
import { Field } from './field';
import styles from './groups.module.css';
import { describeField } from './help-texts.js';
import { useFormScope, useIsWrong } from './scope';

interface GroupProps {
  title: string;
  /** A summary of the settings in the group, shown beside its title. */
  summary: string;
  /** The fields inside; one with a mistake opens the group. */
  fields: readonly string[];
  children: ReactNode;
}

export function Group({ title, summary, fields, children }: GroupProps) {
  const [isOpen, setOpen] = useState(false);
  const isWrong = useIsWrong(fields);
  return (
    <details className={styles.group} open={isOpen || isWrong} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary className={styles.summary}>
        <Chevron />
        <span className={styles.title}>{title}</span>
        <span className={styles.state}>{summary}</span>
      </summary>
      <div className={styles.body}>{children}</div>
    </details>
  );
}

const AUTH: Choice[] = [
  { value: 'NONE', label: 'None' },
  { value: 'BASIC', label: 'Basic' },
  { value: 'TOKEN', label: 'Token' },
  { value: 'OAUTH2', label: 'OAuth 2.0' },
];
const AUTH_FIELDS = [
  'kind',
  'username',
  'password',
  'token',
  'scheme',
  'tokenUrl',
  'clientId',
  'clientSecret',
  'scope',
  'audience',
  'clientAuthentication',
];

export function AuthGroup({ savedKind }: { savedKind: string | null }) {
  const { control } = useFormContext<Draft>();
  const kind = useWatch({ control, name: 'auth.kind' });
  const kept = savedKind === kind ? 'Saved. Leave it blank to keep it.' : '';
  const secret = { type: 'password', placeholder: kept } as const;
  return (
    <Group
      title="Authentication"
      summary={AUTH.find(({ value }) => value === kind)?.label ?? ''}
      fields={AUTH_FIELDS.map((name) => `auth.${name}`)}
    >
      <SegmentInput name="auth.kind" label="Authenticate with" choices={AUTH} />
      {kind === 'BASIC' && (
        <>
          <TextInput name="auth.username" label="User name" isRequired placeholder={kept} />
          <TextInput name="auth.password" label="Password" {...secret} />
          <TextInput name="auth.scheme" label="Scheme" placeholder="basic" isCode />
        </>
      )}
      {kind === 'TOKEN' && (
        <>
          <TextInput name="auth.token" label="Token" isRequired {...secret} />
          <TextInput name="auth.scheme" label="Scheme" placeholder="token" isCode />
        </>
      )}
      {kind === 'OAUTH2' && (
        <>
          <TextInput name="auth.tokenUrl" label="Token URL" isRequired type="url" placeholder="https://" />
          <TextInput name="auth.clientId" label="Client id" isRequired />
          <TextInput name="auth.clientSecret" label="Client secret" isRequired {...secret} />
          <TextInput name="auth.scope" label="Scope" />
          <TextInput name="auth.audience" label="Audience" />
          <SelectInput
            name="auth.clientAuthentication"
            label="Client authentication"
            choices={[
              { value: 'BASIC', label: 'In the header Authorization' },
              { value: 'POST', label: 'In the request body' },
            ]}
          />
        </>
      )}
    </Group>
  );
}

export function HeadersGroup({ saved }: { saved: readonly string[] }) {
  const { control, register } = useFormContext<Draft>();
  const { fields, append, remove } = useFieldArray({ control, name: 'headers' });
  const { unavailable } = useFormScope();
  return (
    <Group title="Custom headers" summary={fields.length === 0 ? 'None' : String(fields.length)} fields={['headers']}>
      <Field name="headers" label="Headers" isGroup>
        {({ describedBy }) => (
          <div className={styles.rows} aria-describedby={describedBy}>
            {fields.map(({ id, name }, index) => (
              <div key={id} className={styles.row}>
                <input
                  className={controls.input}
                  aria-label={`Header ${index + 1}: name`}
                  placeholder="X-Name"
                  data-code
                  {...register(`headers.${index}.name`)}
                />
                <input
                  className={controls.input}
                  aria-label={`Header ${index + 1}: value`}
                  placeholder={saved.includes(name) ? 'Saved. Leave it blank to keep it.' : 'Value'}
                  type="password"
                  autoComplete="new-password"
                  {...register(`headers.${index}.value`)}
                />
                <IconButton icon="close" label={`Remove header ${index + 1}`} onPress={() => remove(index)} />
              </div>
            ))}
            <div>
              <Button icon="plus" unavailable={unavailable} onPress={() => append({ name: '', value: '' })}>
                Add a header
              </Button>
            </div>
          </div>
        )}
      </Field>
    </Group>
  );
}

export function SignaturesGroup() {
  const { control } = useFormContext<Draft>();
  const signatures = useWatch({ control, name: 'signatures' });
  const { schema } = useFormScope();
  const choices = describeField(schema, 'signatures').values.map(({ name, description }) => ({
    value: name,
    label: wordsOf(name),
    description,
  }));
  return (
    <Group title="Signatures" summary={signatures.map(wordsOf).join(', ')} fields={['signatures']}>
      <ChecksInput name="signatures" label="Signature schemes" choices={choices} />
    </Group>
  );
}

const NAMES: Record<string, string> = { UP42: 'UP42', HTTP_MESSAGE_SIGNATURES: 'HTTP Message Signatures' };

/** Writes the value of an enum for people: `STANDARD_WEBHOOKS` is `Standard Webhooks`. */
const wordsOf = (value: string) =>
  NAMES[value] ??
  value
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join(' ');

export function EnvironmentsGroup({ choices }: { choices: readonly Choice[] }) {
  const { control } = useFormContext<Draft>();
  const chosen = useWatch({ control, name: 'environmentIds' });
  return (
    <Group title="Environments" summary={chosen.length === 0 ? 'All' : `${chosen.length} of ${choices.length}`} fields={['environmentIds']}>
      <ChecksInput name="environmentIds" label="Environments" choices={choices} note="None chosen: all environments." />
    </Group>
  );
}

export function PhaseGroup() {
  const { control } = useFormContext<Draft>();
  const [phase, coalescing] = useWatch({ control, name: ['phase', 'coalescing'] });
  const summary =
    phase === 'BEFORE' ? 'Before a write, which it can refuse' : coalescing === 'NONE' ? 'After each change' : 'After each transaction';
  return (
    <Group
      title="When it is called"
      summary={summary}
      fields={['phase', 'onFailure', 'timeoutMs', 'coalescing', 'ordering', 'numbered', 'skipUnread', 'relatedChanges']}
    >
      <SegmentInput
        name="phase"
        label="Phase"
        choices={[
          { value: 'AFTER', label: 'After the write' },
          { value: 'BEFORE', label: 'Before the write' },
        ]}
      />
      {phase === 'BEFORE' ? (
        <>
          <SegmentInput
            name="onFailure"
            label="If the receiver fails"
            choices={[
              { value: 'ALLOW', label: 'Allow the write' },
              { value: 'REFUSE', label: 'Refuse the write' },
            ]}
          />
          <TextInput name="timeoutMs" label="Wait at most" isNumber placeholder="2000" suffix="milliseconds" />
        </>
      ) : (
        <>
          <SegmentInput
            name="coalescing"
            label="Notify of"
            choices={[
              { value: 'TRANSACTION', label: 'Each transaction' },
              { value: 'NONE', label: 'Each change' },
            ]}
          />
          <SegmentInput
            name="ordering"
            label="Order of a node"
            choices={[
              { value: 'NONE', label: 'Any' },
              { value: 'PER_NODE', label: 'One after the other' },
              { value: 'LATEST_ONLY', label: 'Latest only' },
            ]}
          />
          <SwitchInput name="skipUnread" label="Skip unread" note="Skip updates of fields that neither the query nor a template reads." />
          <SwitchInput
            name="relatedChanges"
            label="Related changes"
            note="Send changes of related rows that the query reads as updates of the node."
          />
          <SwitchInput
            name="numbered"
            label="Number notifications"
            note="A receiver then notices a missing one, and gets it by its number."
          />
        </>
      )}
    </Group>
  );
}

export function LimitsGroup() {
  const { control } = useFormContext<Draft>();
  const [retry, rateLimit] = useWatch({ control, name: ['retry', 'rateLimit'] });
  const parts = [retry.maxTries && `${retry.maxTries} tries`, rateLimit.perSecond && `${rateLimit.perSecond} a second`].filter(Boolean);
  const fields = ['retry', 'retry.maxTries', 'retry.maxTime', 'rateLimit', 'rateLimit.perSecond', 'rateLimit.concurrency'];
  return (
    <Group title="Retries and rate limit" summary={parts.join(', ') || 'Usual'} fields={fields}>
      <div className={styles.pair}>
        <TextInput name="retry.maxTries" label="Tries" isNumber placeholder="26" />
        <TextInput name="retry.maxTime" label="Give up after" isNumber placeholder="No limit" />
        <SelectInput
          name="retry.unit"
          label="Unit"
          choices={[
            { value: 'SECONDS', label: 'seconds' },
            { value: 'MINUTES', label: 'minutes' },
            { value: 'HOURS', label: 'hours' },
            { value: 'DAYS', label: 'days' },
          ]}
        />
      </div>
      <div className={styles.pair}>
        <TextInput name="rateLimit.perSecond" label="At most a second" isNumber placeholder="No limit" />
        <TextInput name="rateLimit.concurrency" label="At the same time" isNumber placeholder="No limit" />
      </div>
    </Group>
  );
}

export function RecordingGroup() {
  const { control } = useFormContext<Draft>();
  const { bodies, maskedPaths } = useWatch({ control, name: 'recording' });
  const summary = !bodies ? 'Without bodies' : maskedPaths.trim() ? 'With masked values' : 'Everything';
  return (
    <Group title="Recording" summary={summary} fields={['recording', 'recording.bodies', 'recording.maskedPaths']}>
      <SwitchInput name="recording.bodies" label="Record the bodies of requests and responses" />
      <TextInput
        name="recording.maskedPaths"
        label="Masked paths"
        rows={3}
        isCode
        placeholder={'data.node.email\n**.token'}
        note="One path on each line."
      />
    </Group>
  );
}
