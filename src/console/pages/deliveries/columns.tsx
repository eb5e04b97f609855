// The columns of the list of deliveries.
import { Link } from '@tanstack/react-router';
import { type Column, rowLinkClass } from '../../kit/table';
import { Due, formatMs, Time } from '../../kit/time';
import shared from '../history/history.module.css';
import { nodeName, stageText, webhookName } from '../history/words';
import { DeliveryBadge } from '../webhooks/parts';
import styles from './deliveries.module.css';
import type { ListedDelivery } from './queries';

export const COLUMNS: Column<ListedDelivery>[] = [
  {
    head: 'Notification',
    cell: (delivery) => (
      <div className={shared.two}>
        <Link to="/deliveries/$id" params={{ id: delivery.id }} className={rowLinkClass}>
          {delivery.topic?.key ?? 'A topic that was removed'}
        </Link>
        <span className={shared.sub}>
          {nodeName(delivery)}
          {delivery.kind !== 'LIVE' && ` · ${delivery.kind.toLowerCase()}`}
        </span>
      </div>
    ),
  },
  {
    head: 'Webhook',
    isPlain: true,
    cell: ({ webhookSubscription }) => <span className={styles.cut}>{webhookName(webhookSubscription)}</span>,
  },
  {
    head: 'State',
    isPlain: true,
    cell: ({ state, nextAttemptAt }) => (
      <div className={shared.two}>
        <span>
          <DeliveryBadge state={state} />
        </span>
        {state === 'RETRYING' && nextAttemptAt && (
          <span className={shared.sub}>
            <Due at={nextAttemptAt} />
          </span>
        )}
      </div>
    ),
  },
  {
    head: 'Last answer',
    isPlain: true,
    cell: ({ lastAttempt }) => {
      if (!lastAttempt)
        return (
          <span className={shared.sub} data-none>
            —
          </span>
        );
      const { response, stage, message, durationMs } = lastAttempt;
      return (
        <div className={shared.two} title={message ?? undefined}>
          <span className={styles.code}>{response ? response.status : stageText(stage)}</span>
          <span className={shared.sub}>{formatMs(durationMs)}</span>
        </div>
      );
    },
  },
  { head: 'Attempts', align: 'right', isMinor: true, cell: ({ attemptCount }) => attemptCount },
  {
    head: 'Created',
    align: 'right',
    isPlain: true,
    cell: ({ createdAt }) => (
      <span className={shared.when}>
        <Time at={createdAt} style="ago" />
      </span>
    ),
  },
];
