// Derives the JSON Schema of a subscription's body: exact from the query, or inferred from a body that the template renders.
import { parse } from 'graphql';
import type { Engine } from '../../base/engine.js';
import type { Definition, Json, Topic } from '../../base/model.js';
import { announcedNode } from '../../base/own-node.js';
import { INVENTED_NOTIFICATION, inventData, inventEvent, inventLink } from '../../base/templates/template-data.js';
import { describePayload, type JsonSchema } from '../payload-schema.js';
import { inferSchema } from './infer-schema.js';

export type Bodied = Pick<Definition, 'query' | 'template' | 'contentType'>;

/** `EXACT`: the body follows this schema. `SAMPLE`: it was inferred from a body rendered from sample data. */
export interface BodySchema {
  source: 'EXACT' | 'SAMPLE';
  schema: JsonSchema;
}

/**
 * Returns the schema of the JSON body. `null` when the body is XML, the query is not valid, or the template renders no JSON for sample
 * data.
 * @param sampled whether to infer the schema from a sample even without a template, so that it is comparable with a template's schema
 */
export async function bodySchema(
  engine: Engine,
  tenant: string,
  { query, template, contentType }: Bodied,
  topic: Topic,
  sampled = template !== null,
): Promise<BodySchema | null> {
  if (contentType !== 'JSON') return null;
  const described = describePayload(engine, topic, query);
  if (!('schema' in described)) return null;
  if (!sampled) return { source: 'EXACT', schema: described.schema };
  const { data, event } = sampleOf(engine, query, topic);
  if (template === null) return { source: 'SAMPLE', schema: inferSchema([{ data }]) };
  const input = { data: JSON.stringify({ data, ...INVENTED_NOTIFICATION, event }) };
  const payer = { tenant, key: 'trial', isTrial: true };
  const [result] = await engine.renderer.render(payer, input, [{ source: template, style: 'json', isStored: true, ask: 'json' }]);
  if (!result || !('text' in result) || result.invalid !== null) return null;
  return { source: 'SAMPLE', schema: inferSchema([JSON.parse(result.text) as Json]) };
}

function sampleOf({ host, settings }: Engine, query: string | null, topic: Topic): { data: Json; event: Json } {
  const schema = host.schema();
  const event = inventEvent(schema, announcedNode(host, topic.typename), topic.operation);
  const byDefault = host.defaultPayload === 'ROW' ? (event.after ?? event.before) : inventLink(settings.objectUrl);
  return { data: query === null ? byDefault : inventData(schema, parse(query), topic.typename).data, event: event as unknown as Json };
}
