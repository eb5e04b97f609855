// The fields of the form, in the order and words of the guide; what most webhooks don't need is in groups that open.
import type { FormChoices } from './choices.js';
import { type Choice, SearchInput, SegmentInput, SelectInput, SwitchInput, TextInput } from './controls';
import { DestinationFields } from './destination-fields';
import { AuthGroup, EnvironmentsGroup, HeadersGroup, LimitsGroup, PhaseGroup, RecordingGroup, SignaturesGroup } from './groups';
import type { Saved } from './saved.js';
import { SecretField } from './secret-field';
import { SourceFields } from './source-fields';
import styles from './webhook-form.module.css';

const CONTENT_TYPES: Choice[] = [
  { value: 'JSON', label: 'JSON' },
  { value: 'XML', label: 'XML' },
];

interface FieldsProps {
  saved: Saved | null;
  choices: FormChoices;
  nodeType: string | null;
}

export function FormFields({ saved, choices, nodeType }: FieldsProps) {
  const { topics, webhookIntegrations, webhookEnvironments, webhookPresets } = choices;
  return (
    <>
      <TextInput name="name" label="Name" isRequired placeholder="Orders to the warehouse" />
      <TextInput name="description" label="Description" rows={2} placeholder="What it is for, and whom to ask" />
      <SearchInput name="topic" label="Topic" isRequired placeholder="Search topics" choices={topicChoices(topics)} />
      <SegmentInput name="contentType" label="Content type" isRequired choices={CONTENT_TYPES} />
      <DestinationFields />
      {webhookIntegrations && (
        <SelectInput
          name="integrationId"
          label="Integration"
          choices={[{ value: '', label: 'None' }, ...webhookIntegrations.map(({ id, label }) => ({ value: id, label }))]}
        />
      )}
      <SecretField isSaved={saved?.hasSharedSecret ?? false} />
      <SourceFields nodeType={nodeType} presets={webhookPresets ?? []} />
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

/** Names the version where a topic has several. */
function topicChoices(topics: FormChoices['topics']): Choice[] {
  const count = (key: string) => topics.filter((topic) => topic.key === key).length;
  return topics.map(({ id, key, version, description }) => ({
    value: id,
    label: count(key) > 1 ? `${key} (${version})` : key,
    description,
  }));
}
