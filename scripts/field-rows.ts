// Lists the declared fields of a subscription for the reference: name, type, option and meaning.
import { describeField, FIELDS, type Field, type FieldType } from '../src/webhooks/fields.js';

const WORDS = { TEXT: 'text', SOURCE: 'text', INTEGER: 'whole number', NUMBER: 'number', BOOLEAN: 'true or false', ID: 'id' };

function typeOf(type: FieldType): string {
  if (type.kind === 'LIST') return `list of ${typeOf(type.of)}`;
  if (type.kind === 'ENUM') return Object.keys(type.values).join(', ');
  return type.kind === 'RECORD' ? 'fields' : WORDS[type.kind];
}

function rowsOf(field: Field, parents: string[]): string[][] {
  const { name, type, secret, version, option, options = [] } = field;
  if (field.input === false) return [];
  const path = [...parents, name];
  const notes = [secret ? 'It is a secret.' : '', parents.length === 0 && version === false ? 'A change creates no new version.' : ''];
  const given = [...(option ? [option] : []), ...options].map(({ flags }) => `\`${flags.split(' ')[0]}\``).join(', ');
  const row = [`\`${path.join('.')}\``, typeOf(type), given, [describeField(field), ...notes].filter(Boolean).join(' ')];
  const item = type.kind === 'LIST' ? type.of : type;
  return [row, ...(item.kind === 'RECORD' ? item.fields.flatMap((inner) => rowsOf(inner, path)) : [])];
}

export const fieldRows = (): string[][] => FIELDS.flatMap((field) => rowsOf(field, []));
