// Tests the rules for texts of source files with planted breaches, and that a sound file has no breach.
import { expect, it } from 'vitest';
import { breachesOfTexts } from '../../scripts/lint-texts.mjs';

const SOUND = `
throw new RuntimeError('FILE_MISSING', \`\${path} does not exist\`, 'Pass an existing file.');
const problem = { field: 'sharedSecret', message: "can't be blank" };
log.warn({ err, what: 'It is a value' }, 'claiming deliveries failed; retrying');
t.int({ description: 'The maximum number of rows.', resolve: () => 'What is returned' });
const variables = { port: { meaning: 'port of the API; 0: any free port' } };
addListing(topics, 'list', 'list the events you can subscribe to', ['topics list --type It'])
  .option('--type <type>', 'only topics of this node type', 'Nobody at all');
const rows = await pool.query('Nothing of SQL is a text');
const chosen = found === 'What is it' ? 1 : 2;
`;

it('finds nothing in a sound file', () => expect(breachesOfTexts('src/a.ts', SOUND)).toEqual([]));

it.each([
  ['a description', "t.int({ description: 'How many there are.' })", 'description starts with a word that hides its subject'],
  ['a description of either case', "f({ description: isOne ? 'The one' : 'Its name, if any.' })", 'description starts with'],
  ['a meaning of a variable', "const port = { meaning: 'where the API is' };", 'description starts with'],
  ['a help text', "command.option('--url <url>', 'that it belongs to');", 'help text starts with a word that hides its subject'],
  ['a command', "addListing(topics, 'list', 'tell what there is', []);", 'help text has a word that is no term of the field'],
  ['an error', "throw new RuntimeError('NOT_SAVED', 'Nothing was saved');", 'error starts with a word that hides its subject'],
  ['a hint', "new WebhooksError('CONFLICT', 'The save failed.', 'Attach it anew.');", 'error has a word that is no term of the field'],
  ['a problem', `const problem = { field: 'base', message: \`\${name} is told afterwards\` };`, 'error has a word that is no term'],
  ['a capital letter in the log', "log.info('Capture is in step');", 'log message starts with a capital letter'],
  ['a value in the log', `engine.log.error({ err }, \`claiming \${id} failed\`);`, 'log message contains a value: pass it as a field'],
  ['a word in the log', "options.log?.warn('a connection that hears pokes broke');", 'log message has a word that is no term'],
])('finds %s', (_breach, text, says) => {
  expect(breachesOfTexts('src/a.ts', `\n${text}`)).toEqual([expect.stringContaining(`src/a.ts:2 ${says}`)]);
});
