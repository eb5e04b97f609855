// Loads the packages that only AWS destinations need. They are optional peer dependencies.
import { WebhooksError } from '../../base/errors.js';

// Each import has a literal name and a `catch` of its own, so that bundlers can leave out packages that aren't installed.
// Without the named types, a build whose node_modules is a symbolic link fails: it would have to name the packages' own dependencies.
export const loadCredentialProviders = (): Promise<typeof import('@aws-sdk/credential-providers')> =>
  import('@aws-sdk/credential-providers').catch((cause) => missing('@aws-sdk/credential-providers', cause));
export const loadHttpHandler = (): Promise<typeof import('@smithy/node-http-handler')> =>
  import('@smithy/node-http-handler').catch((cause) => missing('@smithy/node-http-handler', cause));

/**
 * Reports that the import of a package failed.
 * @throws WebhooksError PACKAGE_MISSING with the command that installs the package; rethrows any other error
 */
export function missing(name: string, cause: NodeJS.ErrnoException): never {
  if (cause.code !== 'ERR_MODULE_NOT_FOUND' && cause.code !== 'MODULE_NOT_FOUND') throw cause;
  throw new WebhooksError(
    'PACKAGE_MISSING',
    `Notifications to AWS need the package ${name}, which is not installed.`,
    `npm install ${name}`,
  );
}
