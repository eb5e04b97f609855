// The kinds of actions in the audit log.
import type { VariablesOf } from '../../app/graphql';
import type { AUDIT } from './queries';

export type Action = NonNullable<NonNullable<VariablesOf<typeof AUDIT>['actions']>[number]>;

export const ACTIONS: readonly Action[] = [
  'CREATED',
  'UPDATED',
  'ENABLED',
  'DISABLED',
  'DELETED',
  'HELD',
  'RESTORED',
  'RELEASED',
  'RESENT',
  'REPLAYED',
  'REPLAY_CANCELLED',
  'TESTED',
];

export interface AuditSearch {
  action?: Action | undefined;
  by?: 'users' | 'rules' | undefined;
  after?: string | undefined;
}
