// Says what the templates of the form can read, while the query changes.
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { useMemo, useRef } from 'react';
import type { LiquidScope } from '../../editors/liquid-complete.js';
import { payloadScope, responseScope } from '../../editors/liquid-scope.js';
import { parseQuery } from '../../editors/selection.js';

export interface TemplateScopes {
  /** The parsed query, or while it has syntax errors, the last one without; `null` when the form has none. */
  document: DocumentNode | null;
  /** The names that the validation and body templates can read; `null` while the schema loads. */
  payload: LiquidScope | null;
  /** The names that the error template can read; `null` while the schema loads. */
  response: LiquidScope | null;
}

export function useTemplateScopes(schema: GraphQLSchema | null | undefined, nodeType: string | null, query: string): TemplateScopes {
  const last = useRef<DocumentNode | null>(null);
  const response = useMemo(() => (schema ? responseScope({ schema, nodeType }) : null), [schema, nodeType]);
  return useMemo(() => {
    last.current = query.trim() === '' ? null : (parseQuery(query) ?? last.current);
    const document = last.current;
    return { document, payload: schema ? payloadScope({ schema, nodeType, query: document }) : null, response };
  }, [schema, nodeType, query, response]);
}
