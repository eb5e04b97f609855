// `hookgraph create-organization`: creates an organization, its admin and the admin's first API token in the sample product.

import { RuntimeError } from '../../runtime/runtime-error.js';
import type { Cli } from '../command.js';
import { openInstallation } from '../installation.js';

export interface OrganizationOptions {
  admin: string;
  permalink?: string;
  json?: true;
}

export async function createOrganization(
  name: string,
  { admin, permalink = shortName(name), json }: OrganizationOptions,
  { terminal, env }: Pick<Cli, 'terminal' | 'env'>,
): Promise<void> {
  if (permalink === '') throw new RuntimeError('BAD_PERMALINK', `"${name}" has no letters for a short name`, 'Pass --permalink.');
  const installation = await openInstallation({ prepare: false, join: true, env, say: terminal.note });
  try {
    const { app, config } = installation;
    const isShown = config.adminToken === null;
    if (isShown && !terminal.isTty)
      throw new RuntimeError(
        'NOT_A_TERMINAL',
        'The API token is shown once, on a terminal, so that no file or log keeps it',
        'Run the command on a terminal, or set HOOKGRAPH_ADMIN_TOKEN to the token that the admin gets.',
      );
    const made = await app.makeOrganization({ name, permalink, admin, token: config.adminToken });
    if ('taken' in made) throw TAKEN[made.taken](permalink);
    const shown = isShown ? made.token : null;
    if (json) return terminal.json({ name, permalink, admin, token: shown });
    terminal.say(`Created the organization ${name} (${permalink}) with its admin ${admin}.`);
    terminal.say(
      shown ? `The admin's API token, which is not shown again: ${shown}` : "The admin's API token is that of HOOKGRAPH_ADMIN_TOKEN.",
    );
  } finally {
    await installation.close();
  }
}

const TAKEN = {
  permalink: (permalink: string) =>
    new RuntimeError('ORGANIZATION_EXISTS', `There is an organization with the short name ${permalink}`, 'Pass another --permalink.'),
  token: () => new RuntimeError('TOKEN_TAKEN', 'Somebody has the token of HOOKGRAPH_ADMIN_TOKEN already', 'Set it to another token.'),
};

/** `Zoë & Söhne` → `zoe-sohne`. */
function shortName(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
