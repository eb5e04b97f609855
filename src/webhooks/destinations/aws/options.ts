// Declares the environment variable that lists the AWS accounts for which the installation's credentials may be used.
import { z } from 'zod';
import type { Variable } from '../../../runtime/config-texts.js';
import { list } from '../../../runtime/config-texts.js';

/**
 * Returns the variable with this name, for one kind of AWS destination.
 * @param resources the resources that subscriptions send to, for the description, e.g. `SQS queues`
 */
export function accountsVariable(name: string, resources: string): Variable<string[]> {
  return {
    name,
    meaning: `AWS accounts whose ${resources} and roles subscriptions may use with the AWS credentials of this process: 123456789012, or 123456789012:organization-id for a single organization`,
    parse: z
      .string()
      .refine((text) => list(text).every((item) => /^\d{12}(:\S+)?$/.test(item)), 'must be a list of accounts like 123456789012')
      .transform(list),
    fallback: '',
  };
}
