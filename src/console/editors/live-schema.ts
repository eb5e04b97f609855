// Loads the schema of the API by introspection, once for all editors.
import { useQuery } from '@tanstack/react-query';
import { buildClientSchema, type GraphQLSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { post } from '../app/api';
import { config } from '../app/config';

/** Returns the schema; `undefined` while it loads, `null` when the API doesn't show it. */
export function useLiveSchema(): GraphQLSchema | null | undefined {
  const { data, isError } = useQuery({
    queryKey: ['live-schema'],
    queryFn: load,
    staleTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
  });
  return isError ? null : data;
}

async function load(): Promise<GraphQLSchema | null> {
  const query = getIntrospectionQuery({ inputValueDeprecation: true });
  const { answer } = await post<{ data?: IntrospectionQuery }>(config.endpoint, { query });
  return answer?.data ? buildClientSchema(answer.data) : null;
}
