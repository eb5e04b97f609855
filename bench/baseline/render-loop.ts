// Executes and renders: the same document, then a validation and a body template, parsed once; sends and stores nothing.
import { loop } from './loop.js';
import { openQuery, openTemplates } from './stored.js';

await loop(async (url, pool) => {
  const query = await openQuery(url, pool);
  const render = openTemplates();
  return async (userId) => render(await query(userId), userId);
});
process.exit();
