// An operation with its fragments -> where it selects the same fields too often: each pair of them has to be compared by validation.
import { type FieldNode, type FragmentDefinitionNode, Kind, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';

/**
 * The field at which the pairs become more than `limit`; null: they don't. Takes an operation without cycles whose fields are counted
 * already: each of them, fragments expanded, is looked at once.
 */
export function findRepeats(
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  limit: number,
): FieldNode | null {
  let pairs = 0;
  const scopes: SelectionSetNode[][] = [[operation.selectionSet]];
  for (let scope = scopes.pop(); scope; scope = scopes.pop()) {
    const byKey = new Map<string, FieldNode[]>();
    const spread = new Set<string>();
    const sets = [...scope];
    for (let set = sets.pop(); set; set = sets.pop())
      for (const selection of set.selections) {
        if (selection.kind === Kind.FIELD) {
          const key = (selection.alias ?? selection.name).value;
          const same = byKey.get(key) ?? [];
          pairs += same.length;
          if (pairs > limit) return selection;
          same.push(selection);
          byKey.set(key, same);
        } else if (selection.kind === Kind.INLINE_FRAGMENT) sets.push(selection.selectionSet);
        else if (!spread.has(selection.name.value)) {
          spread.add(selection.name.value);
          const fragment = fragments.get(selection.name.value);
          if (fragment) sets.push(fragment.selectionSet);
        }
      }
    for (const same of byKey.values()) {
      const inner = same.flatMap(({ selectionSet }) => selectionSet ?? []);
      if (inner.length > 0) scopes.push(inner);
    }
  }
  return null;
}
