// Exports the API's public functions: createApi() and mergeApi().
export { type Api, type ApiOptions, createApi } from './create-api.js';
export type { Labels } from './label-of.js';
export { mergeApi, type RenamedParts, renamedIn } from './merge/merge-api.js';
