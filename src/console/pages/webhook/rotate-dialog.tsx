// Replaces the shared secret. The new one is made in the browser, and shown once.
import { useState } from 'react';
import { useAct } from '../../app/queries';
import { Button } from '../../kit/button';
import { Field, Select, TextInput } from '../../kit/field';
import { Dialog, ShowOnce } from '../../kit/overlay';
import { ROTATE, type Webhook } from './queries';

const SECRET_BYTES = 32;

/** Makes a secret. Its prefix tells receivers that it is a Standard Webhooks secret, whose key is the bytes encoded behind the prefix. */
function makeSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return `whsec_${btoa(String.fromCharCode(...bytes))}`;
}

const OVERLAPS = [
  ['0', 'None: the old secret ends now'],
  ['3600', 'One hour'],
  ['86400', 'One day'],
  ['604800', 'Seven days'],
] as const;

export function RotateDialog({ webhook: { id, name }, onClose }: { webhook: Webhook; onClose(): void }) {
  const { run, isRunning } = useAct(ROTATE, { showsMistakes: true });
  const [secret, setSecret] = useState(makeSecret);
  const [overlap, setOverlap] = useState<(typeof OVERLAPS)[number][0]>('86400');
  const [mistake, setMistake] = useState<string | null>(null);
  const [isDone, setDone] = useState(false);
  const rotate = async () => {
    const { ok, errors } = await run({ id, sharedSecret: secret, overlapSeconds: Number(overlap) });
    setMistake(errors[0]?.fullMessage ?? null);
    setDone(ok);
  };
  if (isDone)
    return (
      <ShowOnce what="the new secret" text={secret} onClose={onClose}>
        Copy it now, and give it to the receiver.
      </ShowOnce>
    );
  const buttons = (
    <>
      <Button onPress={onClose}>Cancel</Button>
      <Button tone="primary" isBusy={isRunning} onPress={() => void rotate()}>
        Rotate
      </Button>
    </>
  );
  return (
    <Dialog title={`Rotate the secret of “${name ?? 'this webhook'}”`} onClose={onClose} buttons={buttons}>
      <Field
        label="New secret"
        isRequired
        mistake={mistake}
        help="A random secret is filled in. Replace it if the receiver gives you one. It is stored encrypted, and shown once."
      >
        {(control) => <TextInput {...control} value={secret} onChange={(event) => setSecret(event.target.value)} />}
      </Field>
      <Field
        label="Overlap"
        help="Meanwhile Standard Webhooks and HTTP Message Signatures sign with both secrets, all other schemes with the old one. So no notification is refused while the receiver changes over."
      >
        {({ id: controlId }) => <Select id={controlId} value={overlap} choices={OVERLAPS} onChange={setOverlap} />}
      </Field>
    </Dialog>
  );
}
