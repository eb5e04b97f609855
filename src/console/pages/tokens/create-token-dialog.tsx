// Creates a token, and shows it once.
import { useState } from 'react';
import { type Mistake, useAct } from '../../app/queries';
import { Button } from '../../kit/button';
import { Field, Select, TextInput } from '../../kit/field';
import { Dialog, ShowOnce } from '../../kit/overlay';
import { CREATE_TOKEN, type Scope } from './queries';

export const SCOPES: Record<Scope, { name: string; help: string }> = {
  READ: { name: 'Read', help: 'Read everything that you may read.' },
  MANAGE_WEBHOOKS: { name: 'Read, and manage webhooks', help: 'Also create, change, test and delete webhooks, if you are an admin.' },
  ADMIN: { name: 'Everything', help: 'Do everything that you may do.' },
};

const SCOPE_CHOICES = (Object.keys(SCOPES) as Scope[]).map((scope) => [scope, SCOPES[scope].name] as const);
const DAY_MS = 86_400_000;
const LIVES = [
  ['30', '30 days'],
  ['90', '90 days'],
  ['365', 'One year'],
  ['never', 'Never'],
] as const;

export function CreateTokenDialog({ onClose }: { onClose(): void }) {
  const { run, isRunning } = useAct(CREATE_TOKEN, { showsMistakes: true });
  const [name, setName] = useState('');
  const [scope, setScope] = useState<Scope>('READ');
  const [days, setDays] = useState<(typeof LIVES)[number][0]>('90');
  const [mistakes, setMistakes] = useState<Mistake[]>([]);
  const [token, setToken] = useState<string | null>(null);
  const mistakeOf = (field: string) => mistakes.find((mistake) => mistake.field === field)?.fullMessage;
  const create = async () => {
    const expiresAt = days === 'never' ? null : new Date(Date.now() + Number(days) * DAY_MS).toISOString();
    const { data, errors } = await run({ apiToken: { name, scope, expiresAt } });
    setMistakes(errors);
    setToken(data?.createApiToken.token ?? null);
  };
  if (token !== null)
    return (
      <ShowOnce what="the new token" text={token} onClose={onClose}>
        Copy it now, and keep it like a password.
      </ShowOnce>
    );
  const buttons = (
    <>
      <Button onPress={onClose}>Cancel</Button>
      <Button tone="primary" isBusy={isRunning} onPress={() => void create()}>
        Create token
      </Button>
    </>
  );
  return (
    <Dialog title="Create a token" onClose={onClose} buttons={buttons}>
      <Field
        label="Name"
        isRequired
        mistake={mistakeOf('name')}
        help="What the token is used for, such as “build server”. The audit log shows it."
      >
        {(control) => <TextInput {...control} value={name} maxLength={100} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field label="It may" help={SCOPES[scope].help}>
        {({ id }) => <Select id={id} value={scope} choices={SCOPE_CHOICES} onChange={setScope} />}
      </Field>
      <Field label="It expires in" mistake={mistakeOf('expiresAt')}>
        {({ id }) => <Select id={id} value={days} choices={LIVES} onChange={setDays} />}
      </Field>
      {mistakes
        .filter(({ field }) => field !== 'name' && field !== 'expiresAt')
        .map(({ fullMessage }) => (
          <p key={fullMessage} role="alert">
            {fullMessage}
          </p>
        ))}
    </Dialog>
  );
}
