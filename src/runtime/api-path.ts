// Defines the path of the product's GraphQL API below its base URL.
export const API_PATH = '/api/v3/graphql';
