// The operations of the API tokens.
import { graphql, type ResultOf, type VariablesOf } from '../../app/graphql';

export const TOKENS = graphql(`
  query Tokens($after: String) {
    apiTokens(first: 100, after: $after) {
      nodes { id databaseId name scope active createdAt lastUsedAt expiresAt revokedAt }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export type Token = NonNullable<ResultOf<typeof TOKENS>['apiTokens']>['nodes'][number];

export const CREATE_TOKEN = graphql(`
  mutation CreateToken($apiToken: ApiTokenInput!) {
    createApiToken(apiToken: $apiToken) {
      errors { field fullMessage message path type }
      token
    }
  }
`);

export type Scope = NonNullable<NonNullable<VariablesOf<typeof CREATE_TOKEN>['apiToken']>['scope']>;

export const REVOKE_TOKEN = graphql(`
  mutation RevokeToken($id: ID!) {
    revokeApiToken(id: $id) {
      errors { field fullMessage message path type }
    }
  }
`);
