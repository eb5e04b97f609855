// Exports the API's public functions: createApi(), mergeApi() and isMerged().
export { type Api, type ApiOptions, createApi } from './create-api.js';
export type { Labels } from './label-of.js';
export { isMerged, mergeApi, type RenamedParts, renamedIn } from './merge/merge-api.js';
