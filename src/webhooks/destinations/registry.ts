// Lists the kinds of destinations, and finds the kind that a definition uses.
import type { Definition, DestinationSettings, Secrets } from '../base/model.js';
import { eventBridge } from './eventbridge/index.js';
import { https } from './https/index.js';
import type { DestinationKind } from './kind.js';
import { sns } from './sns/index.js';
import { sqs } from './sqs/index.js';

/**
 * All kinds of destinations. Importing this list loads no SDK and no HTTP client, so that the command line starts quickly. Tests add a
 * kind.
 */
export const DESTINATIONS: DestinationKind[] = [https, sns, sqs, eventBridge];

/** Returns the kind of destination of a definition, and its settings. @throws Error when this version of Hookgraph doesn't know the kind */
export function destinationOf(definition: Definition): { kind: DestinationKind; settings: unknown } {
  for (const kind of DESTINATIONS) {
    const settings = settingsOf(kind, definition);
    if (settings !== undefined) return { kind, settings };
  }
  // A newer version of Hookgraph saved the definition; workers of that version send its deliveries.
  throw new Error('the definition has a kind of destination that this version of Hookgraph does not know; a newer version saved it');
}

/** Returns the kind whose field has this name. @throws Error when there is no such kind */
export function kindNamed(name: string): DestinationKind {
  const kind = DESTINATIONS.find(({ field }) => field.name === name);
  if (!kind) throw new Error(`there is no kind of destination named ${name}`);
  return kind;
}

/** Returns the settings of this kind; `undefined` when the definition has another kind of destination. */
export function settingsOf({ field }: Pick<DestinationKind, 'field'>, definition: Definition): unknown {
  return (definition as unknown as Record<string, unknown>)[field.name] ?? undefined;
}

export function secretsOf({ field }: Pick<DestinationKind, 'field'>, secrets: Secrets): object | undefined {
  return (secrets as Record<string, object | undefined>)[field.name];
}

/** Whether the subscription field of this name configures a destination. */
export const isDestination = (name: string): boolean => DESTINATIONS.some(({ field }) => field.name === name);

/** Returns the definition without the settings of its destination. */
export function withoutDestination(definition: Definition): Omit<Definition, keyof DestinationSettings> {
  return Object.fromEntries(Object.entries(definition).filter(([name]) => !isDestination(name))) as never;
}
