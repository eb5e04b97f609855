// Defines the tabs that the explorer opens at first: the steps of the README's tour.
import { CREATE_TWO_USERS, GUIDE_SUBSCRIPTION, GUIDE_USERS, SUBSCRIBE } from './guide.js';

export interface Tab {
  query: string;
  variables?: string;
}

const variables = (value: object): string => JSON.stringify(value, null, 2);

export const TABS: Tab[] = [
  {
    query: `# 1. Read your own user, and the users of your organization.
#    Press play, or Ctrl-Enter.
query WhoAmI {
  viewer { name admin organization { name } }
  users(first: 10) {
    totalCount
    nodes { id name email jobTitle }
  }
}
`,
  },
  {
    query: `# 2. List the events you can subscribe to.
query Topics {
  webhookTopics(first: 100) {
    totalCount
    nodes { key version description }
  }
}
`,
  },
  {
    query: `# 3. Subscribe. In the variables below: a query that
#    fetches, a template that decides whether to send, and
#    one that shapes the body. Somebody has to listen at
#    callbackUrl: the README's tour has a one-liner.
${SUBSCRIBE}
`,
    variables: variables({ webhookSubscription: GUIDE_SUBSCRIPTION }),
  },
  {
    query: `# 4. Create two users; the receiver gets a notification for one of them.
${CREATE_TWO_USERS}
`,
    variables: variables(GUIDE_USERS),
  },
  {
    query: `# 5. List the deliveries, each attempt, and at which
#    stage each one ended.
query Deliveries {
  webhookDeliveries(first: 5) {
    nodes {
      state
      topic { key }
      node { ... on User { name } }
      nextAttemptAt
      attempts {
        number outcome stage message durationMs
        request { url headers body }
        response { status body }
      }
    }
  }
}
`,
  },
  {
    query: `# 6. Check whether your subscriptions still send: one whose
#    receiver fails for too long is disabled.
query Subscriptions {
  webhookSubscriptions(first: 10) {
    nodes {
      id name status
      disabledReason disabledMessage
      topic { key }
    }
  }
}
`,
  },
  {
    query: `# 7. Enable one again: put its id, from the tab before,
#    into the variables. Its held deliveries are sent.
mutation EnableAgain($id: ID) {
  updateWebhookSubscription(
    webhookSubscription: { id: $id, disabled: false }
  ) {
    errors { field message }
    missedEvents { message }
    webhookSubscription { id name status }
  }
}
`,
    variables: variables({ id: 'the id of a subscription' }),
  },
];
