// Reads the environment variables that configure the kinds of destinations.
import { type ConfigLine, describeVariables, type Environment, readVariables } from '../../runtime/config.js';
import type { DestinationOptions } from '../base/engine.js';
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
