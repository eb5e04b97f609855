// Finds where an operation selects the same fields so often that validation, which compares each pair, would take too long.
import { type FieldNode, type FragmentDefinitionNode, Kind, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';

/**
 * Counts the pairs of fields with the same response key at the same level. Returns the field at which their number exceeds `limit`; `null`
 * when it never does. The operation must have no fragment cycles and a limited number of fields, because every field is visited with
 * fragments expanded.
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
