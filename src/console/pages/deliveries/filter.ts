// Translates the filters of the URL into conditions of the API.
import type { VariablesOf } from '../../app/graphql';
import { startOf } from '../history/spans';
import type { DELIVERIES } from './queries';
import type { DeliveriesSearch } from './search';

export type Conditions = Omit<VariablesOf<typeof DELIVERIES>, 'first' | 'after' | 'createdAtMax' | 'newer' | 'isLive'>;

export function conditionsOf({ webhook, state, since, node, stage, code, search }: DeliveriesSearch): Conditions {
  const [min, max] = code === undefined ? [null, null] : [Number(code.replaceAll('x', '0')), Number(code.replaceAll('x', '9'))];
  return {
    webhookSubscriptionId: webhook ?? null,
    states: state ? [state] : null,
    createdAtMin: since ? startOf(since) : null,
    nodeId: node ?? null,
    stages: stage ? [stage] : null,
    responseStatusMin: min,
    responseStatusMax: max,
    search: search ?? null,
  };
}
