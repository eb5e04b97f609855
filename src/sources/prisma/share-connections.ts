// Lets tenants share the connections of a Prisma client that writes, as stored queries share theirs.
import { createFairShare, type FairShareOptions } from '../../runtime/fair-share.js';
import type { AnyClient, Operation } from './prisma-types.js';
import { readInShare } from './read-in-share.js';

/** Maximum number of clients to keep, one for each tenant. */
const KEPT = 1_000;

/**
 * Returns a function that returns a tenant's client. The client's operations wait until the tenant uses less than its fair share of the
 * connections, except inside a transaction, which already has its connection.
 */
export function shareConnections<Client extends AnyClient>(prisma: Client, options: FairShareOptions): (tenant: string) => Client {
  const fairShare = createFairShare(options);
  const clients = new Map<string, Client>();
  return (tenant) => {
    const known = clients.get(tenant);
    if (known) return known;
    if (clients.size >= KEPT) clients.clear();
    const share = readInShare((work, needs) => fairShare.begin(tenant).run(work, needs));
    const $allOperations = (operation: Operation & { __internalParams?: { transaction?: object } }) =>
      operation.__internalParams?.transaction ? operation.query(operation.args) : share(operation);
    const client = prisma.$extends({ query: { $allOperations } } as never) as Client;
    clients.set(tenant, client);
    return client;
  };
}
