// Shows the number of errors.
import { graphql } from '../../app/graphql';
import { useApi } from '../../app/queries';
import { Count } from '../../kit/badge';

/** Requested when a page opens and after each action, but not polled, because the API counts all errors. */
const ERROR_COUNT = graphql(`
  query ErrorCount($id: ID) {
    webhookErrors(webhookSubscriptionId: $id, first: 1) { totalCount }
  }
`);

/** `webhook`: the id of the webhook whose errors are counted. Default: the errors of all webhooks are counted. */
export function ErrorCount({ webhook }: { webhook?: string | undefined }) {
  const count = useApi(ERROR_COUNT, { id: webhook ?? null }).data?.webhookErrors.totalCount;
  if (count === undefined) return null;
  return <Count>{count.toLocaleString()}</Count>;
}
