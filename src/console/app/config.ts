// Reads the configuration that the server has written into the page.

export interface Config {
  /** The path of the console, without a trailing slash. */
  path: string;
  endpoint: string;
  /** `TOKEN`: people sign in with an API token. `HOST`: the application around the console has signed them in. */
  signIn: 'TOKEN' | 'HOST';
  /** The path of the page with the explorer; `null`: there is none. */
  explorer: string | null;
  /** Fields that this server doesn't have, as `Type.field`. */
  absent: string[];
  /** Types and root fields (`Query.webhookTopics`) that this server has under another name. */
  renamed: { types: Record<string, string>; fields: Record<string, string> };
}

/** The configuration when the page has none, as on the development server: that of the server of `npm start`. */
const USUAL: Config = {
  path: '/console',
  endpoint: '/api/v3/graphql',
  signIn: 'TOKEN',
  explorer: '/console/explorer/frame',
  absent: [],
  renamed: { types: {}, fields: {} },
};

const written = document.getElementById('console-config')?.textContent;
export const config: Config = written ? JSON.parse(written) : USUAL;

const absent = new Set(config.absent);

/** Whether the server has a field that depends on the host's options, such as `Query.apiTokens`. */
export const offers = (field: string): boolean => !absent.has(field);

/** The name that the server gives to a root field such as `Mutation.createWebhookSubscription`. */
export const servedName = (field: string): string => config.renamed.fields[field] ?? (field.split('.')[1] as string);
