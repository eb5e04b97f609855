// Lists what the navigation shows. A page of the list has a route in `pages`.
import type { IconName } from '../kit/icon';
import { config, offers } from './config';

export interface NavigationItem {
  to: string;
  label: string;
  icon: IconName;
  /** The key that opens the page after `g`. */
  key: string;
}

const all: (NavigationItem & { isOffered?: boolean })[][] = [
  [
    { to: '/webhooks', label: 'Webhooks', icon: 'webhook', key: 'w' },
    { to: '/deliveries', label: 'Deliveries', icon: 'deliveries', key: 'd' },
    { to: '/errors', label: 'Errors', icon: 'error', key: 'r' },
    { to: '/events', label: 'Events', icon: 'events', key: 'e' },
    { to: '/books', label: 'Books', icon: 'books', key: 'b' },
    { to: '/topics', label: 'Topics', icon: 'topics', key: 't' },
  ],
  [
    { to: '/integrations', label: 'Integrations', icon: 'integrations', key: 'i', isOffered: offers('Query.webhookIntegrations') },
    { to: '/tokens', label: 'API tokens', icon: 'key', key: 'k', isOffered: offers('Query.apiTokens') },
    { to: '/audit', label: 'Audit log', icon: 'audit', key: 'a' },
    { to: '/retention', label: 'Retention', icon: 'retention', key: 'h' },
  ],
  [
    { to: '/explorer', label: 'Explorer', icon: 'explorer', key: 'x', isOffered: config.explorer !== null },
    { to: '/shortcuts', label: 'Keyboard shortcuts', icon: 'keyboard', key: '?' },
  ],
];

/** The groups of the navigation, in order. */
export const NAVIGATION: NavigationItem[][] = all.map((group) => group.filter(({ isOffered = true }) => isOffered));
