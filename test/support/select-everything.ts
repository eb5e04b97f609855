// Writes a selection of every field of every webhook type, at any depth, from the product's current schema.
import type { RunningProduct } from './product.js';

interface TypeRef {
  kind: string;
  name: string | null;
  ofType: TypeRef | null;
}
interface Type {
  name: string;
  kind: string;
  fields: { name: string; type: TypeRef; args: { type: TypeRef }[] }[] | null;
}

const TYPES = `{ __schema { types { name kind fields { name args { type { kind } } type { ...T } } } } }
  fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }`;

/** Returns the selection for a field of type `typename`. Selects only the name of types that aren't Hookgraph's. */
export async function selectEverything(product: RunningProduct, typename: string): Promise<string> {
  const { __schema } = await product.graphql(TYPES);
  const types = new Map<string, Type>(__schema.types.map((type: Type) => [type.name, type]));
  const named = (type: TypeRef): TypeRef => (type.ofType ? named(type.ofType) : type);
  const select = (name: string, above: string[]): string => {
    const chosen = (types.get(name)?.fields ?? []).flatMap((field) => {
      if (field.args.some(({ type }) => type.kind === 'NON_NULL')) return [];
      const { kind, name: inner } = named(field.type) as { kind: string; name: string };
      if (kind === 'SCALAR' || kind === 'ENUM') return [field.name];
      if (above.includes(inner) || inner === name) return [];
      const ours = inner.startsWith('Webhook') || inner === 'PageInfo';
      return [`${field.name} { ${ours ? select(inner, [...above, name]) : '__typename'} }`];
    });
    return ['__typename', ...chosen].join(' ');
  };
  return select(typename, []);
}
