// Defines the paths of the product's GraphQL API and console below its base URL.
export const API_PATH = '/api/v3/graphql';
export const CONSOLE_PATH = '/console';
