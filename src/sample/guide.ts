// The guide's own example: the subscription and the two people that the explorer, the demo and the docs show.

/** Everybody new but Alain, by name: what the customer wants in the customer's words. */
export const GUIDE_SUBSCRIPTION = {
  name: 'The guide’s example',
  topic: { key: 'user/created' },
  callbackUrl: 'http://127.0.0.1:8080/hook',
  sharedSecret: 'hush',
  query: 'query ($nodeId: ID!) { node(id: $nodeId) { ... on User { name } } }',
  validationTemplate: '{% if data.node.name != "Alain Bloch" %}true{% else %}false{% endif %}',
  template: '{"name": {{ data.node.name | json }}}',
};

/** One who is told of, and one who is left out. */
export const GUIDE_USERS = { told: { firstName: 'Zoë', lastName: 'Müller' }, leftOut: { firstName: 'Alain', lastName: 'Bloch' } };

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
  $told: UserInput
  $leftOut: UserInput
) {
  told: createUser(user: $told) {
    errors { field message } user { id name }
  }
  leftOut: createUser(user: $leftOut) {
    errors { field message } user { id name }
  }
}`;

/** What `npm start` offers to try first. */
export const FIRST = {
  purpose: 'be told of every new user',
  query: `mutation { createWebhookSubscription(webhookSubscription: { topic: { key: "user/created" } callbackUrl: "http://127.0.0.1:9999/" sharedSecret: "a-secret-of-yours" }) { errors { field message } webhookSubscription { id } } }`,
};
