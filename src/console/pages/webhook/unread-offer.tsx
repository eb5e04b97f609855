// Offers to skip updates that change nothing that the webhook reads, if at least half of its last updates were of this kind.
import { SLOW_MS, useAct, useApi } from '../../app/queries';
import { useRights } from '../../app/viewer';
import { Banner } from '../../kit/banner';
import { Button } from '../../kit/button';
import { notify } from '../../kit/toast';
import { SKIP_UNREAD, UNREAD_UPDATES } from './queries';

const LEAST_SHARE = 0.5;
const numbers = new Intl.NumberFormat();

export function UnreadOffer({ id }: { id: string }) {
  const { unavailable } = useRights();
  const { run, isRunning } = useAct(SKIP_UNREAD);
  const webhook = useApi(UNREAD_UPDATES, { id }, { poll: SLOW_MS }).data?.webhookSubscription;
  const counts = webhook?.unreadUpdates;
  if (!counts || webhook.skipUnread || counts.unreadCount < counts.totalCount * LEAST_SHARE) return null;
  const onPress = async () => {
    const { ok } = await run({ id });
    if (ok) notify({ text: 'Updates that touch nothing which this webhook reads are skipped from now on.' });
  };
  return (
    <Banner
      tone="info"
      title={`Of the last ${numbers.format(counts.totalCount)} updates ${numbers.format(counts.unreadCount)} touched nothing that this webhook reads`}
      actions={
        <Button unavailable={unavailable} isBusy={isRunning} onPress={() => void onPress()}>
          Skip such updates
        </Button>
      }
    >
      <p>The query and the templates read other fields, so such a notification repeats what the receiver has.</p>
    </Banner>
  );
}
