// Reads the environment variables that configure the kinds of destinations, and returns what each kind offers to a tenant.
import { type ConfigLine, describeVariables, type Environment, readVariables } from '../../runtime/config.js';
import type { DestinationOptions, Engine } from '../base/engine.js';
import type { Owner } from '../base/model.js';
import type { Offer } from './kind.js';
import { DESTINATIONS } from './registry.js';

/**
 * Returns the options of each kind that has environment variables, by the name of its field.
 * @throws RuntimeError `BAD_CONFIG`, with the name and value of the variable, when a value is invalid
 */
export function readDestinationOptions(env?: Environment): Partial<DestinationOptions> {
  const entries = DESTINATIONS.flatMap(({ field, variables }) => (variables ? [[field.name, readVariables(variables, env)]] : []));
  return Object.fromEntries(entries);
}

export const describeDestinationOptions = (env?: Environment): ConfigLine[] =>
  DESTINATIONS.flatMap(({ variables }) => (variables ? describeVariables(variables, env) : []));

/** The resources that the installation offers to a tenant's subscriptions with one kind of destination. */
export interface DestinationOffer extends Offer {
  /** The subscription's field that configures the destination. */
  field: string;
  title: string;
}

export function destinationOffers({ settings }: Pick<Engine, 'settings'>, { tenant }: Pick<Owner, 'tenant'>): DestinationOffer[] {
  const none: Offer = { accounts: [], managed: false };
  return DESTINATIONS.map(({ field, title, offer }) => ({ field: field.name, title, ...(offer?.(settings, tenant) ?? none) }));
}
