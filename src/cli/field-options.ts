// Creates command-line options from a subscription's declared fields, and reads given options into the API's input.
import { Option } from 'commander';
import { RuntimeError } from '../runtime/runtime-error.js';
import { type CommandOption, FIELDS, type Field, type FieldType } from '../webhooks/fields.js';
import { type Command, collect } from './command.js';
import { assign, type Input } from './subscription-input.js';
import { withChoices } from './suggest.js';

interface FieldOption {
  /** The field's path in the input, such as `['retry', 'maxTries']`. */
  path: string[];
  field: Field;
  option: CommandOption;
}

/** Functions that resolve an option's value: `text` reads `@file`, `secret` reads `@file` and `env:NAME`. */
export interface Readers {
  text(value: string): Promise<string>;
  secret(value: string): Promise<string>;
}

const attributeOf = (flags: string): string => new Option(flags).attributeName();

function optionsOf(fields: readonly Field[], parents: string[] = []): FieldOption[] {
  return fields.flatMap((field) => {
    const path = [...parents, field.name];
    const inner = field.type.kind === 'RECORD' ? optionsOf(field.type.fields, path) : [];
    return field.option ? [{ path, field, option: field.option }, ...inner] : inner;
  });
}

export function addFieldOptions(command: Command): void {
  for (const field of FIELDS) {
    for (const { option, field: declared } of optionsOf([field]))
      addOption(command, option, declared.type.kind === 'LIST' || option.isRepeated === true, choicesOf(declared.type));
    for (const option of field.options ?? []) addOption(command, option, option.isRepeated === true);
  }
}

const choicesOf = (type: FieldType): string[] | null =>
  type.kind === 'ENUM' ? Object.keys(type.values) : type.kind === 'LIST' ? choicesOf(type.of) : null;

function addOption(command: Command, { flags, help }: CommandOption, isRepeated: boolean, choices: string[] | null = null): void {
  if (choices) command.addOption(withChoices(new Option(flags, help), choices, isRepeated));
  else if (isRepeated) command.option(flags, help, collect);
  else command.option(flags, help);
}

/** Puts the values of the options that the user has given into `input`, the input of the API's mutation. */
export async function readFieldOptions(written: Readonly<Record<string, unknown>>, input: Input, readers: Readers): Promise<void> {
  for (const { path, field, option } of optionsOf(FIELDS)) {
    const given = written[attributeOf(option.flags)];
    // Commander sets a `--no-…` option to true when it isn't given.
    if (given === undefined || (given === true && option.flags.startsWith('--no-'))) continue;
    if (field.type.kind === 'INTEGER' || field.type.kind === 'NUMBER') assign(input, `${path.join('.')}=${given}`);
    else if (field.type.kind === 'RECORD')
      put(input, path, {
        ...(input[field.name] as Input | null | undefined),
        ...(await readPairs(field.type.fields, option, given, readers)),
      });
    else put(input, path, await readOption(field, field.type, given, readers));
  }
}

async function readOption(field: Field, type: FieldType, given: unknown, readers: Readers): Promise<unknown> {
  if (type.kind === 'LIST') return Promise.all((given as string[]).map((item) => readOption(field, type.of, item, readers)));
  if (typeof given !== 'string') return given;
  if (field.secret) return readers.secret(given);
  if (type.kind === 'SOURCE') return readers.text(given);
  return given;
}

/** Reads an option's `name=value` pairs. @throws RuntimeError `INPUT_INVALID` when no field has the name of a pair */
async function readPairs(fields: readonly Field[], { flags }: CommandOption, given: unknown, readers: Readers): Promise<Input> {
  const settable = fields.filter(({ input }) => input !== false);
  const read = async (pair: string): Promise<[string, unknown]> => {
    const [, name = '', text = ''] = /^(\w+)=(.*)$/s.exec(pair) ?? [];
    const field = settable.find((inner) => inner.name === name);
    const option = flags.split(' ')[0];
    // The value is left out of the message, because it may be a secret.
    if (!field)
      throw new RuntimeError(
        'INPUT_INVALID',
        `${option} does not accept the name ${JSON.stringify(name)}`,
        `Write it like ${option} ${settable[0]?.name}=…; the names are ${settable.map((inner) => inner.name).join(', ')}.`,
      );
    return [name, field.type.kind === 'BOOLEAN' ? text === 'true' : await readOption(field, field.type, text, readers)];
  };
  return Object.fromEntries(await Promise.all((given as string[]).map(read)));
}

function put(input: Input, [first = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) input[first] = value;
  else {
    const inner = { ...(input[first] as Input | null | undefined) };
    put(inner, rest, value);
    input[first] = inner;
  }
}
