// Lists the paths in a subscription's input whose texts can't be read back: the places of secrets.
import type { RunningProduct } from './product.js';

interface TypeRef {
  name: string | null;
  ofType: TypeRef | null;
}
interface Field {
  name: string;
  type: TypeRef;
}
interface Type {
  name: string;
  fields: Field[] | null;
  inputFields: Field[] | null;
}
const FIELDS = `{ __schema { types { name fields { name type { ...T } } inputFields { name type { ...T } } } } }
  fragment T on __Type { name ofType { name ofType { name ofType { name } } } }`;

export async function findWriteOnly(product: RunningProduct): Promise<string[]> {
  const types = new Map<string, Type>((await product.graphql(FIELDS)).__schema.types.map((type: Type) => [type.name, type]));
  const named = (type: TypeRef): string => type.name ?? named(type.ofType as TypeRef);
  const writeOnly = (input: string, output: string, path: string[]): string[] =>
    (types.get(input)?.inputFields ?? []).flatMap(({ name, type }) => {
      const readable = types.get(output)?.fields?.find((field) => field.name === name);
      const inner = named(type);
      if (types.get(inner)?.inputFields) return writeOnly(inner, readable ? named(readable.type) : output, [...path, name]);
      return inner === 'String' && !readable ? [[...path, name].join('.')] : [];
    });
  return writeOnly('WebhookSubscriptionInput', 'WebhookSubscription', []).sort();
}
