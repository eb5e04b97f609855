// The fields of the query and the templates, with texts to start from.

import type { DocumentNode } from 'graphql';
import { useDeferredValue, useMemo } from 'react';
import { Button as AriaButton } from 'react-aria-components/Button';
import { Menu, MenuItem, MenuTrigger } from 'react-aria-components/Menu';
import { Popover } from 'react-aria-components/Popover';
import { useFormContext, useWatch } from 'react-hook-form';
import { shapeOfQuery } from '../../editors/selection.js';
import type { Shape } from '../../editors/shape.js';
import { starterQuery, starterTemplate } from '../../editors/starters.js';
import { Button, buttonClass } from '../../kit/button';
import type { Preset } from './choices.js';
import { QueryField, TemplateField, useFill } from './code-field';
import controls from './controls.module.css';
import type { Draft } from './draft.js';
import { useFormScope } from './scope';
import { useTemplateScopes } from './template-scopes.js';
import type { Topic } from './topics';

export function SourceFields({ topics, presets }: { topics: readonly Topic[]; presets: readonly Preset[] }) {
  const { control } = useFormContext<Draft>();
  const [query, contentType, topic] = useWatch({ control, name: ['query', 'contentType', 'topic'] });
  const nodeType = topics.find(({ id }) => id === topic)?.nodeType ?? null;
  const { schema } = useFormScope();
  // Deferred, so that computing completions for templates doesn't delay typing.
  const scopes = useTemplateScopes(schema, nodeType, useDeferredValue(query));
  const { document } = scopes;
  const queryTools = useMemo(() => <QueryTools nodeType={nodeType} />, [nodeType]);
  const templateTools = useMemo(
    () => <TemplateTools nodeType={nodeType} document={document} contentType={contentType} presets={presets} />,
    [nodeType, document, contentType, presets],
  );
  return (
    <>
      <QueryField
        name="query"
        label="Query"
        minLines={8}
        tools={queryTools}
        hint="Without a query, the payload is the id and the URL of the node."
      />
      <TemplateField
        name="validationTemplate"
        label="Data validation template"
        around="TEXT"
        scope={scopes.payload}
        hint={'{{ event.changed contains "email" }}'}
      />
      <TemplateField
        name="template"
        label="Template"
        minLines={8}
        around={contentType}
        scope={scopes.payload}
        tools={templateTools}
        hint={contentType === 'JSON' ? '{ "name": {{ data.node.name | json }} }' : '<name>{{ data.node.name }}</name>'}
      />
      <TemplateField
        name="errorTemplate"
        label="Error handling template"
        around="TEXT"
        scope={scopes.response}
        hint="{% unless body.ok %}{{ body.error }}{% endunless %}"
      />
    </>
  );
}

/** Renders again only when the text becomes blank, or no longer is. */
function useIsBlank(name: 'query' | 'template'): boolean {
  const { control } = useFormContext<Draft>();
  return useWatch({ control, name, compute: (text: string) => text.trim() === '' });
}

function QueryTools({ nodeType }: { nodeType: string | null }) {
  const { schema, unavailable } = useFormScope();
  const isBlank = useIsBlank('query');
  const fill = useFill();
  const starter = isBlank && schema && nodeType ? starterQuery(schema, nodeType) : null;
  if (!starter || unavailable) return null;
  return (
    <Button tone="quiet" icon="bolt" onPress={() => fill('query', starter)}>
      Start with fields of {nodeType}
    </Button>
  );
}

interface TemplateToolsProps {
  nodeType: string | null;
  document: DocumentNode | null;
  contentType: Draft['contentType'];
  presets: readonly Preset[];
}

const LINK: Shape = { type: 'object', fields: { id: { type: 'ID' }, url: { type: 'String' } } };

function TemplateTools({ nodeType, document, contentType, presets }: TemplateToolsProps) {
  const { schema, unavailable } = useFormScope();
  const isBlank = useIsBlank('template');
  const fill = useFill();
  if (unavailable) return null;
  const begin = () => {
    const data = schema && document ? shapeOfQuery(schema, document, nodeType) : LINK;
    fill('template', starterTemplate(data, contentType));
  };
  return (
    <>
      {isBlank && (
        <Button tone="quiet" icon="bolt" onPress={begin}>
          Start with all values
        </Button>
      )}
      {presets.length > 0 && <PresetMenu presets={presets} />}
    </>
  );
}

/** Fills template, content type and signatures with those of a well-known system. */
function PresetMenu({ presets }: { presets: readonly Preset[] }) {
  const { setValue } = useFormContext<Draft>();
  const fill = useFill();
  const choose = ({ template, contentType, signatures }: Preset) => {
    fill('template', template ?? '');
    if (contentType) setValue('contentType', contentType, { shouldDirty: true });
    if (signatures) setValue('signatures', [...signatures], { shouldDirty: true });
  };
  return (
    <MenuTrigger>
      <AriaButton className={buttonClass('quiet')}>Presets</AriaButton>
      <Popover className={`${controls.popover} ${controls.menu}`} placement="bottom end">
        <Menu className={controls.options ?? ''} aria-label="Presets">
          {presets.map((preset) => (
            <MenuItem
              key={preset.key}
              id={preset.key}
              className={controls.option ?? ''}
              textValue={preset.name}
              onAction={() => choose(preset)}
            >
              <strong>{preset.name}</strong>
              <span className={controls.optionText}>{preset.description}</span>
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
