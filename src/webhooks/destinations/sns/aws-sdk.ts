// Loads the packages that only SNS needs. They are optional peer dependencies.
import { WebhooksError } from '../../base/errors.js';

// Each import is a literal with its own `catch`, so that bundlers can leave out packages that aren't installed.
export const loadSns = () => import('@aws-sdk/client-sns').catch((cause) => missing('@aws-sdk/client-sns', cause));
export const loadCredentialProviders = () =>
  import('@aws-sdk/credential-providers').catch((cause) => missing('@aws-sdk/credential-providers', cause));
export const loadHttpHandler = () => import('@smithy/node-http-handler').catch((cause) => missing('@smithy/node-http-handler', cause));

function missing(name: string, cause: NodeJS.ErrnoException): never {
  if (cause.code !== 'ERR_MODULE_NOT_FOUND' && cause.code !== 'MODULE_NOT_FOUND') throw cause;
  throw new WebhooksError(
    'PACKAGE_MISSING',
    `Notifications to SNS need the package ${name}, which is not installed.`,
    `npm install ${name}`,
  );
}
