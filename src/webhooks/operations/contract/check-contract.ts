// Warns when a save changes the body in a way that breaks its readers.
import type { Engine } from '../../base/engine.js';
import type { Problem } from '../../base/errors.js';
import type { Topic } from '../../base/model.js';
import { type Bodied, bodySchema } from './body-schema.js';
import { breaksOf } from './compare-schemas.js';

/** Maximum number of warnings of a save. */
const MOST_WARNINGS = 10;

interface Version {
  definition: Bodied;
  topic: Topic;
}

/**
 * Compares the bodies of two versions of a subscription. If either version has a template, compares schemas inferred from samples, which
 * show fields and types, but not what may be null.
 */
export async function checkContract(engine: Engine, tenant: string, before: Version, after: Version): Promise<Problem[]> {
  const [was, is] = [before.definition, after.definition];
  const changed = (['contentType', 'template', 'query'] as const).find((name) => was[name] !== is[name]);
  if (changed === undefined && before.topic.id === after.topic.id) return [];
  const field = changed ?? 'topic';
  const warn = (message: string): Problem => ({ field, message: `may break receivers: ${message}`, severity: 'warning' });
  if (was.contentType !== is.contentType) return [warn(`the body was ${was.contentType} and is ${is.contentType} now`)];
  const sampled = was.template !== null || is.template !== null;
  const old = await bodySchema(engine, tenant, was, before.topic, sampled);
  const now = await bodySchema(engine, tenant, is, after.topic, sampled);
  if (!old || !now) return [];
  const breaks = breaksOf(old.schema, now.schema);
  const warnings = breaks.slice(0, MOST_WARNINGS).map(warn);
  return breaks.length > MOST_WARNINGS ? [...warnings, warn(`${breaks.length - MOST_WARNINGS} more changes`)] : warnings;
}
