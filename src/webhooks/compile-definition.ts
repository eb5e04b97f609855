// Compiles one version of a subscription (query, templates, destination and secrets) into a form that all its deliveries reuse.
import type { DocumentNode } from 'graphql';
import type { Compilable, Compiled } from './base/compiled.js';
import type { Engine } from './base/engine.js';
import type { Definition } from './base/model.js';
import { announcedNode } from './base/own-node.js';
import type { KeyVariable } from './base/query/key-variables.js';
import { checkQuery } from './base/query/query.js';
import { readColumns } from './base/query/read-columns.js';
import { relatedFields } from './base/query/related-fields.js';
import { createRecorder } from './base/recording/recording.js';
import { textsOf } from './base/store/secrets.js';
import { eventUseOf } from './base/templates/event-use.js';
import type { Payer } from './base/templates/renderer.js';
import type { Escape, Step } from './base/templates/rendering.mjs';
import { type Template, TemplateError } from './base/templates/template.js';
import { destinationOf, secretsOf } from './destinations/registry.js';

/**
 * Compiles a subscription's definition. Returns `broken` with the reason when its query or a template is no longer valid, e.g. because the
 * host's schema has changed since it was saved.
 * @throws TemplateError `busy` when no render process was free in time to parse the templates
 */
export async function compileDefinition(
  engine: Engine,
  { subscription, topic, secrets }: Compilable,
): Promise<Compiled | { broken: string }> {
  const { definition } = subscription;
  const { host } = engine;
  let document: DocumentNode | null = null;
  let keys: KeyVariable[] = [];
  const node = announcedNode(host, topic.typename);
  if (definition.query !== null) {
    const about = { node, topicKey: topic.key, pageArguments: host.pageArguments };
    const checked = checkQuery(host.schema(), definition.query, engine.settings.queryLimits, about);
    if (checked.problems)
      return { broken: `The query is no longer valid: ${checked.problems.map((problem) => problem.message).join('\n')}` };
    ({ document, keys } = checked);
  }
  const templates = templatesOf(definition);
  const [validation, template, errorTemplate] = templates;
  const read = await readTemplates(engine, { tenant: subscription.tenant, key: subscription.id }, templates);
  if ('mistake' in read) return { broken: `A template can no longer be parsed: ${read.mistake}` };
  // Without a query, the payload may be the node's row; then the event must be loaded with all its fields.
  const sendsRow = document === null && host.defaultPayload === 'ROW';
  const { url, origin, destination } = locate({ subscription, secrets });
  return {
    subscriptionId: subscription.id,
    version: subscription.version,
    owner: { tenant: subscription.tenant, userId: subscription.owner },
    topic,
    node,
    contentType: definition.contentType,
    url,
    origin,
    destination,
    document,
    keys,
    event: sendsRow ? { fields: 'ALL' } : eventUseOf(read.paths),
    validation,
    template,
    errorTemplate,
    headers: secrets.headers ?? {},
    signatures: definition.signatures,
    sharedSecret: secrets.sharedSecret ?? null,
    auth: definition.auth && { ...definition.auth, secrets: secrets.auth ?? {} },
    oldSecrets: secrets.oldSecrets ?? [],
    secretTexts: textsOf(secrets),
    retry: definition.retry,
    numbered: definition.numbered === true,
    reads:
      definition.skipUnread && isUpdates(topic)
        ? readColumns(host.schema(), { node, nodes: host.nodes, document, eventPaths: read.paths })
        : null,
    related:
      definition.relatedChanges && node && document ? relatedFields(host.schema(), { node, nodes: host.nodes, document }) : NO_FIELDS,
    recorder: createRecorder(definition.recording, definition.contentType),
  };
}

const NO_FIELDS: ReadonlySet<string> = new Set();

/**
 * Whether the topic is about every update of a node. A topic about a column that gets a certain value says itself which changes matter.
 */
export const isUpdates = ({ key }: { key: string }): boolean => key.endsWith('/updated');

/** Returns the validation template, the body template and the error template. */
export function templatesOf({
  validationTemplate,
  template,
  errorTemplate,
  contentType,
}: Definition): [Template | null, Template | null, Template | null] {
  const known = (source: string | null, style: Escape): Template | null => (source === null ? null : { source, style, isStored: true });
  return [known(validationTemplate, 'none'), known(template, contentType === 'XML' ? 'xml' : 'json'), known(errorTemplate, 'none')];
}

/** Returns the URL, origin and kind of a subscription's destination, without compiling its query and templates. */
export function locate({
  subscription,
  secrets,
}: Pick<Compilable, 'subscription' | 'secrets'>): Pick<Compiled, 'url' | 'origin' | 'destination'> {
  const { kind, settings } = destinationOf(subscription.definition);
  const { url, origin, access } = kind.locate(settings, secretsOf(kind, secrets), subscription);
  return { url, origin, destination: { field: kind.field.name, access } };
}

/** Parses the templates in a render process. Returns the paths of the variable `event` that they read, or the first syntax error. */
export async function readTemplates(
  engine: Engine,
  payer: Payer,
  templates: (Template | null)[],
): Promise<{ paths: string[][] } | { mistake: string }> {
  const steps = templates.flatMap((template): Step[] => (template ? [{ ...template, ask: 'parse' }] : []));
  if (steps.length === 0) return { paths: [] };
  const paths: string[][] = [];
  for (const result of await engine.renderer.render(payer, { data: '{}' }, steps)) {
    if (!('fault' in result)) paths.push(...(JSON.parse(result.text) as string[][]));
    // `busy` means that no render process was free to parse the template, so the template must not count as broken.
    else if (result.fault === 'busy') throw new TemplateError(result.message, 'busy');
    else return { mistake: result.message };
  }
  return { paths };
}
