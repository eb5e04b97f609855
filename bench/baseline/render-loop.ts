// Executes the document of `execute-loop.ts`, then renders a validation and a body template that are parsed once; stores no results.
import { loop } from './loop.js';
import { openQuery, openTemplates } from './stored.js';

await loop(async (url, pool) => {
  const query = await openQuery(url, pool);
  const render = openTemplates();
  return async (userId) => render(await query(userId), userId);
});
process.exit();
