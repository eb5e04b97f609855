// The fields of the form, in the order and words of the guide; what most webhooks don't need is in groups that open.
import { useFormContext, useWatch } from 'react-hook-form';
import { ChecksInput } from './checks-input';
import type { FormChoices, Preset } from './choices.js';
import { type Choice, SearchInput, SegmentInput, SelectInput, SwitchInput, TextInput } from './controls';
import { DestinationFields } from './destination-fields';
import type { Draft } from './draft.js';
import { AuthGroup, EnvironmentsGroup, Group, HeadersGroup, LimitsGroup, PhaseGroup, RecordingGroup, SignaturesGroup } from './groups';
import type { Saved } from './saved.js';
import { SecretField } from './secret-field';
import { SourceFields } from './source-fields';
import { allTopics, siblingsOf } from './topics';
import styles from './webhook-form.module.css';

const CONTENT_TYPES: Choice[] = [
  { value: 'JSON', label: 'JSON' },
  { value: 'XML', label: 'XML' },
];

const NO_PRESETS: readonly Preset[] = [];

interface FieldsProps {
  saved: Saved | null;
  choices: FormChoices;
}

export function FormFields({ saved, choices }: FieldsProps) {
  const { topics, webhookIntegrations, webhookDestinations, webhookEnvironments, webhookPresets } = choices;
  return (
    <>
      <TextInput name="name" label="Name" isRequired placeholder="Orders to the warehouse" />
      <TextInput name="description" label="Description" rows={2} placeholder="What it is for, and whom to ask" />
      <SearchInput name="topic" label="Topic" isRequired placeholder="Search topics" choices={topicChoices(topics)} />
      {saved === null && <MoreTopics topics={topics} />}
      <SegmentInput name="contentType" label="Content type" isRequired choices={CONTENT_TYPES} />
      <DestinationFields offers={webhookDestinations} isManaged={saved?.sns?.managed === true} />
      {webhookIntegrations && (
        <SelectInput
          name="integrationId"
          label="Integration"
          choices={[{ value: '', label: 'None' }, ...webhookIntegrations.map(({ id, label }) => ({ value: id, label }))]}
        />
      )}
      <SecretField isSaved={saved?.hasSharedSecret ?? false} />
      <SourceFields topics={topics} presets={webhookPresets ?? NO_PRESETS} />
      <div className={styles.groups}>
        <AuthGroup savedKind={saved?.auth?.kind ?? null} />
        <HeadersGroup saved={saved?.headers.map(({ name }) => name) ?? []} />
        <SignaturesGroup />
        {webhookEnvironments && <EnvironmentsGroup choices={webhookEnvironments.map(({ id, label }) => ({ value: id, label }))} />}
        <PhaseGroup />
        <LimitsGroup />
        <RecordingGroup />
      </div>
      <div className={styles.toggles}>
        <SwitchInput name="test" label="Test" note="Send a test right after saving, with the last node, whatever the validation says." />
        <SwitchInput name="enabled" label="Enabled" note="A webhook that is off sends nothing; events that happen meanwhile are skipped." />
      </div>
    </>
  );
}

/** The other topics of the same type: a webhook is created for each one that is ticked. */
function MoreTopics({ topics }: { topics: FormChoices['topics'] }) {
  const { control } = useFormContext<Draft>();
  const [topic, chosen] = useWatch({ control, name: ['topic', 'moreTopics'] });
  const siblings = siblingsOf(topics, topic);
  if (siblings.length === 0) return null;
  const count = allTopics({ topic, moreTopics: chosen }, topics).length - 1;
  return (
    <Group title="More topics" summary={count === 0 ? 'None' : `${count} more, each with a webhook of its own`} fields={['moreTopics']}>
      <ChecksInput
        name="moreTopics"
        label="Also send"
        choices={siblings.map(({ id, key, description }) => ({ value: id, label: key, description }))}
        note="Each topic gets a webhook of its own with these settings. All are created, or none."
      />
    </Group>
  );
}

/** Names the version where a topic has several. */
function topicChoices(topics: FormChoices['topics']): Choice[] {
  const count = (key: string) => topics.filter((topic) => topic.key === key).length;
  return topics.map(({ id, key, version, description }) => ({
    value: id,
    label: count(key) > 1 ? `${key} (${version})` : key,
    description,
  }));
}
