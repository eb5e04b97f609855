// Tests that docs/command-line.md shows every command, and no command or option that doesn't exist.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import type { Cli } from '../../src/cli/command.js';
import { createProgram } from '../../src/cli/program.js';

const page = readFileSync(new URL('../../docs/command-line.md', import.meta.url), 'utf8');
const program = createProgram({} as Cli);

function leaves(command: Command, path: string[] = []): { path: string; command: Command }[] {
  if (command.commands.length === 0) return [{ path: path.join(' '), command }];
  return command.commands.flatMap((one) => leaves(one, [...path, one.name()]));
}

const known = leaves(program).filter(({ path }) => path !== 'complete');
const shown = [...page.matchAll(/hookgraph ((?:[^\n\\`#]|\\\n)+)/g)].map(([, line]) => (line as string).replace(/\\\n/g, ' ').trim());
const commandOf = (line: string) => known.filter(({ path }) => `${line} `.startsWith(`${path} `)).at(-1);

it('every command has an example there, and one in its help', () => {
  expect(known.map(({ path }) => path).filter((path) => !shown.some((line) => commandOf(line)?.path === path))).toEqual([]);
  const silent = known.filter(({ path, command }) => {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    return path !== 'completion' && !help.includes(`$ hookgraph ${path}`);
  });
  expect(silent.map(({ path }) => path)).toEqual([]);
});

it('the help of every command explains its arguments', () => {
  const silent = known.flatMap(({ path, command }) => command.registeredArguments.map((argument) => ({ path, argument })));
  expect(silent.filter(({ argument }) => argument.description === '').map(({ path, argument }) => `${path} ${argument.name()}`)).toEqual(
    [],
  );
});

it('every command that ends with an answer answers in JSON, too', () => {
  const run = ['serve', 'api', 'worker', 'demo', 'simulate', 'completion'];
  const deaf = known.filter(({ path, command }) => !run.includes(path) && !command.options.some(({ long }) => long === '--json'));
  expect(deaf.map(({ path }) => path)).toEqual([]);
});

it('every example there is of a command with those options', () => {
  for (const line of shown.filter((one) => !one.startsWith('<'))) {
    const found = commandOf(line);
    expect(found, line).toBeDefined();
    for (const [option] of line.matchAll(/(?<=\s)--[a-z-]+/g))
      expect(
        found?.command.options.map(({ long }) => long),
        line,
      ).toContain(option);
  }
});
