// Returns the parts of a definition that are stored in columns of the subscription, because the relay reads them.
import type { Engine } from '../../base/engine.js';
import type { Definition, Topic } from '../../base/model.js';
import { relatedOf } from './related-changes.js';

const phaseOf = ({ before }: Definition): 'AFTER' | 'BEFORE' => (before ? 'BEFORE' : 'AFTER');

/** Returns the values of phase, coalesces, ordering, related_fields and related_types. */
export function columnsOf(engine: Engine, definition: Definition, topic: Topic): unknown[] {
  const related = relatedOf(engine, definition, topic);
  const { coalescing, ordering = null } = definition;
  return [phaseOf(definition), coalescing !== 'NONE', ordering, related?.fields ?? null, related?.typenames ?? null];
}
