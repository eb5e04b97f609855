// Asks an API for the owner of the current token, and what the token allows.
import { RuntimeError } from '../runtime/runtime-error.js';
import type { Answer, Client } from './client.js';

export interface Who {
  id: string;
  name: string;
  organization: string | null;
  /** The actions that the token allows, e.g. `READ`; `null` when the API doesn't say. */
  scope: string | null;
  expiresAt: string | null;
}

/**
 * Returns the token's owner; `null` when the token is valid but the API has no field `viewer`, like an adopter's API.
 * @throws RuntimeError `NOT_AUTHENTICATED`
 */
export async function whoIs(client: Client): Promise<Who | null> {
  const answer = await client
    .ask('{ viewer { id name organization { name } } webhookViewer { token { scope expiresAt } } }')
    .catch((error: RuntimeError) => {
      if (error.code === 'API_REFUSED') return null;
      throw error;
    });
  if (answer === null) {
    await client.ask('{ webhookTopics(first: 1) { totalCount } }');
    return null;
  }
  const { viewer, webhookViewer } = answer;
  if (!viewer) throw new RuntimeError('NOT_AUTHENTICATED', `The token is not valid at ${client.url}`);
  return { id: viewer.id, name: viewer.name, organization: viewer.organization?.name ?? null, ...tokenOf(webhookViewer) };
}

const tokenOf = (viewer: Answer): Pick<Who, 'scope' | 'expiresAt'> => ({
  scope: viewer?.token?.scope ?? null,
  expiresAt: viewer?.token?.expiresAt ?? null,
});

export const nameOf = ({ name, organization }: Who): string => (organization === null ? name : `${name} of ${organization}`);
