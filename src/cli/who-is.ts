// Asks an API for the owner of the current token.
import { RuntimeError } from '../runtime/runtime-error.js';
import type { Client } from './client.js';

export interface Who {
  id: string;
  name: string;
  organization: string | null;
}

/**
 * Returns the token's owner; `null` when the token is valid but the API has no field `viewer`, like an adopter's API.
 * @throws RuntimeError `NOT_AUTHENTICATED`
 */
export async function whoIs(client: Client): Promise<Who | null> {
  const answer = await client.ask('{ viewer { id name organization { name } } }').catch((error: RuntimeError) => {
    if (error.code === 'API_REFUSED') return null;
    throw error;
  });
  if (answer === null) {
    await client.ask('{ webhookTopics(first: 1) { totalCount } }');
    return null;
  }
  const { viewer } = answer;
  if (!viewer) throw new RuntimeError('NOT_AUTHENTICATED', `The token is not valid at ${client.url}`);
  return { id: viewer.id, name: viewer.name, organization: viewer.organization?.name ?? null };
}

export const nameOf = ({ name, organization }: Who): string => (organization === null ? name : `${name} of ${organization}`);
