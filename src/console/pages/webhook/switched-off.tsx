// The banner of a webhook that is switched off: who or which rule did it, since when, which events were missed, and how to catch up.
import { useState } from 'react';
import { useAct, useApi } from '../../app/queries';
import { useRights } from '../../app/viewer';
import { Banner } from '../../kit/banner';
import { Button } from '../../kit/button';
import { Loaded } from '../../kit/loaded';
import { Confirm } from '../../kit/overlay';
import { Time } from '../../kit/time';
import { notify } from '../../kit/toast';
import { type Counts, DRY_RUN, REPLAY, UPDATE, type Webhook } from './queries';

const RULES: Partial<Record<NonNullable<Webhook['disabledReason']>, string>> = {
  GONE: 'The receiver said that it is gone (410), so Hookgraph has switched this webhook off',
  RETRIES_EXHAUSTED: 'Every retry of a delivery failed, so Hookgraph has switched this webhook off',
  TOO_MANY_ERRORS: 'More than 100 attempts failed within an hour, so Hookgraph has switched this webhook off',
  OWNER_GONE: 'Its owner is gone, so Hookgraph has switched this webhook off',
  INTEGRATION: 'Its integration is switched off, so this webhook sends nothing',
  OWNER: 'This webhook is switched off',
};

export function SwitchedOff({ webhook }: { webhook: Webhook }) {
  const { id, disabledReason, disabledMessage, disabledAt } = webhook;
  const { unavailable } = useRights();
  const [isReplaying, setReplaying] = useState(false);
  const enable = useAct(UPDATE);
  const isByRule = disabledReason !== 'OWNER' && disabledReason !== 'INTEGRATION';
  const onEnable = async () => {
    const { ok } = await enable.run({ id, disabled: false });
    if (ok) notify({ text: 'The webhook is enabled. What was held is sent now.' });
  };
  const actions = (
    <>
      <Button tone="primary" unavailable={unavailable} isBusy={enable.isRunning} onPress={() => void onEnable()}>
        Enable
      </Button>
      {disabledAt && (
        <Button unavailable={unavailable} onPress={() => setReplaying(true)}>
          Enable and catch up…
        </Button>
      )}
    </>
  );
  return (
    <Banner
      tone={isByRule ? 'bad' : 'info'}
      title={(disabledReason && RULES[disabledReason]) ?? 'This webhook is switched off'}
      actions={actions}
    >
      <p>
        {disabledAt && (
          <>
            Since <Time at={disabledAt} /> (<Time at={disabledAt} style="ago" />
            ).{' '}
          </>
        )}
        {disabledMessage}
      </p>
      {isReplaying && disabledAt && <CatchUp webhook={webhook} from={disabledAt} onClose={() => setReplaying(false)} />}
    </Banner>
  );
}

/** Says how many events the webhook missed; after confirmation, enables the webhook and replays them. */
function CatchUp({ webhook: { id }, from, onClose }: { webhook: Webhook; from: string; onClose(): void }) {
  const enable = useAct(UPDATE);
  const replay = useAct(REPLAY);
  const missed = useApi(DRY_RUN, { id, from }, { keep: false });
  const onConfirm = async () => {
    if (!(await enable.run({ id, disabled: false })).ok) return;
    if ((await replay.run({ id, from })).ok) notify({ text: 'The webhook is enabled, and what it missed is being sent.' });
    onClose();
  };
  return (
    <Confirm
      title="Enable, and send what was missed?"
      action="Enable and catch up"
      isBusy={enable.isRunning || replay.isRunning}
      onConfirm={() => void onConfirm()}
      onClose={onClose}
    >
      <Loaded query={missed} what="the number of missed events">
        {({ webhookReplayDryRun: counts }) => (counts ? <Missed counts={counts} /> : null)}
      </Loaded>
      <p>
        Events since <Time at={from} /> that were not delivered are sent with the present definition, oldest first. New events don’t wait
        for them. Events that were delivered are not sent again.
      </p>
    </Confirm>
  );
}

function Missed({ counts: { sendCount, openCount, countedTo } }: { counts: Counts }) {
  return (
    <p>
      <strong>{sendCount === 1 ? '1 event was missed' : `${sendCount} events were missed`}</strong>
      {countedTo && (
        <>
          {' '}
          up to <Time at={countedTo} />, and there are more
        </>
      )}
      . {openCount > 0 && `${openCount} more are held and are sent as soon as the webhook is enabled.`}
    </p>
  );
}
