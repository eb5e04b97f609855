// Defines the guide's example, which the explorer, the demo and the docs share: a subscription, and two users to create.

/**
 * A subscription to new users. Sends the name of every new user except Alain Bloch, in a body that its template renders.
 */
export const GUIDE_SUBSCRIPTION = {
  name: 'Welcome new users',
  topic: { key: 'user/created' },
  callbackUrl: 'http://127.0.0.1:8080/hook',
  sharedSecret: 'hush',
  query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { name } } }',
  validationTemplate: '{% if data.node.name != "Alain Bloch" %}true{% else %}false{% endif %}',
  template: '{"name": {{ data.node.name | json }}}',
};

/** Two users to create: `notified` causes a notification, `skipped` is skipped by the validation template. */
export const GUIDE_USERS = { notified: { firstName: 'Zoë', lastName: 'Müller' }, skipped: { firstName: 'Alain', lastName: 'Bloch' } };

export const SUBSCRIBE = `mutation Subscribe(
  $webhookSubscription: WebhookSubscriptionInput
) {
  createWebhookSubscription(
    webhookSubscription: $webhookSubscription
  ) {
    errors { field message }
    webhookSubscription {
      id name status topic { key version }
    }
  }
}`;

export const CREATE_TWO_USERS = `mutation CreateTwoUsers(
  $notified: UserInput
  $skipped: UserInput
) {
  notified: createUser(user: $notified) {
    errors { field message } user { id name }
  }
  skipped: createUser(user: $skipped) {
    errors { field message } user { id name }
  }
}`;

/** The first suggestions of `npm start`: a topic to listen to, and a query that causes an event of this topic. */
export const FIRST = {
  topic: 'user/created',
  purpose: 'create a user',
  query: `mutation { createUser(user: { firstName: "Zoë" lastName: "Müller" }) { errors { field message } user { id name } } }`,
};
