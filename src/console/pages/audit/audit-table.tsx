// Entries of the audit log, each with what was changed.
import { Link } from '@tanstack/react-router';
import { Badge, type BadgeTone } from '../../kit/badge';
import { cutId } from '../../kit/id';
import { Time } from '../../kit/time';
import styles from './audit.module.css';
import type { AuditEntry } from './queries';

const TONES: Partial<Record<AuditEntry['action'], BadgeTone>> = {
  CREATED: 'good',
  ENABLED: 'good',
  RESTORED: 'good',
  DISABLED: 'warn',
  HELD: 'bad',
  DELETED: 'bad',
};

/** `isOfOne`: all entries are of one webhook, so its name is left out. */
export function AuditTable({ entries, isOfOne = false }: { entries: AuditEntry[]; isOfOne?: boolean }) {
  return (
    <ol className={styles.entries}>
      {entries.map((entry) => (
        <li key={entry.databaseId}>
          <div className={styles.line}>
            <Badge tone={TONES[entry.action] ?? 'idle'}>{actionText(entry.action)}</Badge>
            {!isOfOne && <Name entry={entry} />}
            <span className={styles.actor}>{actorText(entry.actor)}</span>
            <span className={styles.at}>
              <Time at={entry.at} />
            </span>
          </div>
          {entry.message && <p className={styles.message}>{entry.message}</p>}
          {entry.changes.length > 0 && <Changes changes={entry.changes} />}
        </li>
      ))}
    </ol>
  );
}

function Name({ entry: { webhookSubscription, webhookSubscriptionId } }: { entry: AuditEntry }) {
  if (!webhookSubscription) return <span>a deleted webhook ({cutId(webhookSubscriptionId)})</span>;
  return (
    <Link to="/webhooks/$webhookId" params={{ webhookId: webhookSubscription.id }}>
      {webhookSubscription.name ?? 'Webhook without a name'}
    </Link>
  );
}

export function actionText(action: string): string {
  const words = action.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function actorText({ rule, tokenName, userId }: AuditEntry['actor']): string {
  if (rule) return `by the rule ${rule.toLowerCase().replaceAll('_', ' ')}`;
  if (tokenName) return `with the token “${tokenName}”`;
  return userId ? 'by its owner' : '';
}

function Changes({ changes }: { changes: AuditEntry['changes'] }) {
  return (
    <details className={styles.changes}>
      <summary>
        {changes.length === 1 ? '1 changed field' : `${changes.length} changed fields`}: {changes.map(({ field }) => field).join(', ')}
      </summary>
      <dl>
        {changes.map(({ field, before, after, diff, isSecret }) => (
          <div key={field}>
            <dt>{field}</dt>
            <dd>
              {isSecret ? (
                'A secret: its values are not recorded.'
              ) : diff ? (
                <pre>{diff}</pre>
              ) : (
                <>
                  <del>{valueText(before)}</del> → <ins>{valueText(after)}</ins>
                </>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

const valueText = (value: unknown): string =>
  value === null || value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value);
