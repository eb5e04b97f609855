// A link back to a list, with the filters that it had.
import { Link } from '@tanstack/react-router';
import { useRemembered } from './remembered';

export function ListLink({ to, children }: { to: '/webhooks' | '/deliveries' | '/topics'; children: string }) {
  const filtersOf = useRemembered();
  return (
    <Link to={to} search={filtersOf(to)}>
      {children}
    </Link>
  );
}
