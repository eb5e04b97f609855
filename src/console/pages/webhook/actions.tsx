// What can be done with a webhook, at the top of its pages.
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAct } from '../../app/queries';
import { useRights } from '../../app/viewer';
import { Button, buttonClass } from '../../kit/button';
import { ActionMenu } from '../../kit/menu';
import { Confirm } from '../../kit/overlay';
import { notify } from '../../kit/toast';
import { DELETE, RELEASE, UPDATE, type Webhook } from './queries';
import { RotateDialog } from './rotate-dialog';
import { TestDialog } from './test-dialog';

type Open = 'test' | 'disable' | 'rotate' | 'delete';

export function WebhookActions({ webhook }: { webhook: Webhook }) {
  const { id } = webhook;
  const [open, setOpen] = useState<Open | null>(null);
  const { unavailable } = useRights();
  const release = useAct(RELEASE);
  const close = () => setOpen(null);
  const onRelease = async () => {
    const { ok, data } = await release.run({ id });
    if (ok) notify({ text: `Deliveries that are sent now: ${data?.releaseWebhookDeliveries.releasedCount ?? 0}` });
  };
  return (
    <>
      <Link to="/webhooks/$webhookId/edit" params={{ webhookId: id }} className={buttonClass()}>
        Edit
      </Link>
      <Button icon="bolt" unavailable={unavailable} onPress={() => setOpen('test')}>
        Send a test
      </Button>
      {!webhook.disabled && (
        <Button icon="pause" unavailable={unavailable} onPress={() => setOpen('disable')}>
          Disable
        </Button>
      )}
      <ActionMenu
        label="More actions"
        actions={[
          {
            id: 'rotate',
            label: 'Rotate secret',
            onAction: () => setOpen('rotate'),
            unavailable: unavailable ?? (webhook.hasSharedSecret ? null : 'This webhook has no shared secret.'),
          },
          { id: 'release', label: 'Send held deliveries now', onAction: () => void onRelease(), unavailable },
          { id: 'delete', label: 'Delete', onAction: () => setOpen('delete'), unavailable, isDangerous: true },
        ]}
      />
      {open === 'test' && <TestDialog webhook={webhook} onClose={close} />}
      {open === 'rotate' && <RotateDialog webhook={webhook} onClose={close} />}
      {open === 'disable' && <DisableDialog webhook={webhook} onClose={close} />}
      {open === 'delete' && <DeleteDialog webhook={webhook} onClose={close} />}
    </>
  );
}

interface DialogProps {
  webhook: Webhook;
  onClose(): void;
}

function DisableDialog({ webhook: { id }, onClose }: DialogProps) {
  const { run, isRunning } = useAct(UPDATE);
  const onConfirm = async () => {
    const { ok } = await run({ id, disabled: true });
    if (ok) notify({ text: 'The webhook is disabled.' });
    onClose();
  };
  return (
    <Confirm title="Disable this webhook?" action="Disable" isBusy={isRunning} onConfirm={() => void onConfirm()} onClose={onClose}>
      <p>Nothing is sent any more. Deliveries that are still to come wait, and are sent when you enable it again.</p>
      <p>Events that happen in between are kept, and can be sent later by a replay.</p>
    </Confirm>
  );
}

function DeleteDialog({ webhook: { id, name }, onClose }: DialogProps) {
  const { run, isRunning } = useAct(DELETE);
  const navigate = useNavigate();
  const onConfirm = async () => {
    const { ok } = await run({ id });
    if (!ok) return onClose();
    notify({ text: 'The webhook is deleted.' });
    await navigate({ to: '/webhooks' });
  };
  return (
    <Confirm
      title={`Delete “${name ?? 'this webhook'}”?`}
      action="Delete"
      isDangerous
      isBusy={isRunning}
      onConfirm={() => void onConfirm()}
      onClose={onClose}
    >
      <p>The webhook and its secrets are deleted, and deliveries that are still to come are cancelled. Its history stays.</p>
    </Confirm>
  );
}
