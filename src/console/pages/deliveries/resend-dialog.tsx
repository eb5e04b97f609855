// Asks before many deliveries are resent, with their number.
import { useState } from 'react';
import { useAct, useApi } from '../../app/queries';
import { LoadFailed } from '../../kit/loaded';
import { Confirm } from '../../kit/overlay';
import { notify } from '../../kit/toast';
import styles from './deliveries.module.css';
import type { Conditions } from './filter';
import { COUNT, RESEND_MANY } from './queries';

interface Props {
  /** The selected deliveries; `null`: all that match the conditions. */
  ids: string[] | null;
  conditions: Conditions;
  isFiltered: boolean;
  onClose(): void;
  /** Called when the action was started. */
  onDone(): void;
}

export function ResendDialog({ ids, conditions, isFiltered, onClose, onDone }: Props) {
  const [asNew, setAsNew] = useState(false);
  const counting = useApi(COUNT, conditions, { enabled: ids === null, keep: false });
  const { run, isRunning } = useAct(RESEND_MANY);
  const count = ids?.length ?? counting.data?.webhookDeliveries.totalCount;
  const resend = async () => {
    const { data, ok } = await run({ input: ids === null ? { ...conditions, asNew } : { ids, asNew } });
    if (!ok) return;
    const matched = data?.resendWebhookDeliveries.webhookBulkAction?.matchedCount ?? 0;
    notify({ text: `Resending ${matched.toLocaleString()} ${matched === 1 ? 'delivery' : 'deliveries'}.` });
    onDone();
    onClose();
  };
  return (
    <Confirm
      title={ids === null ? 'Resend all that match' : `Resend ${ids.length} ${ids.length === 1 ? 'delivery' : 'deliveries'}`}
      action={count === undefined ? 'Resend' : `Resend ${count.toLocaleString()}`}
      isBusy={isRunning}
      onConfirm={() => void resend()}
      onClose={onClose}
    >
      <div className={styles.form}>
        {ids === null && counting.error && <LoadFailed what="the number of deliveries" query={counting} />}
        {ids === null && !counting.error && (
          <p role="status">
            {count === undefined
              ? 'Counting…'
              : `${count.toLocaleString()} ${count === 1 ? 'delivery matches' : 'deliveries match'} ${isFiltered ? 'the filters' : '— no filter is set'}.`}
          </p>
        )}
        <p>They are sent step by step, behind new notifications. Tests, before-hooks and webhooks that aren’t enabled are left out.</p>
        <label className={styles.check}>
          <input type="checkbox" checked={asNew} onChange={(event) => setAsNew(event.target.checked)} />
          <span>Send them as new ones, with new ids, so that a receiver that ignores repetitions takes them.</span>
        </label>
      </div>
    </Confirm>
  );
}
