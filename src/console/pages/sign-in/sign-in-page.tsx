// Signs in with an API token.
import { type FormEvent, useState } from 'react';
import { signIn } from '../../app/session';
import { Button } from '../../kit/button';
import { Field, TextInput } from '../../kit/field';
import { Icon } from '../../kit/icon';
import styles from './sign-in.module.css';

export function SignInPage({ canSignInLocally, reason }: { canSignInLocally: boolean; reason: string | null }) {
  const [token, setToken] = useState('');
  const [mistake, setMistake] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const enter = async (given: string | null) => {
    setBusy(true);
    setMistake(await signIn(given));
    setBusy(false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim() === '') setMistake('Enter a token.');
    else void enter(token.trim());
  };
  return (
    <main className={styles.page}>
      <title>Sign in · Hookgraph</title>
      <form className={styles.card} onSubmit={submit} noValidate>
        <Icon name="brand" size={34} />
        <h1>Sign in to Hookgraph</h1>
        {reason && <p role="status">{reason}</p>}
        <Field
          label="API token"
          isRequired
          mistake={mistake}
          help={
            <>
              A token begins with <code>hg_</code>. Somebody who is signed in creates one at “API tokens”; an operator creates the first one
              with <code>hookgraph create-organization</code>. The browser keeps it encrypted in a cookie that no script can read.
            </>
          }
        >
          {(control) => (
            <TextInput {...control} type="password" autoComplete="off" value={token} onChange={(event) => setToken(event.target.value)} />
          )}
        </Field>
        <Button type="submit" tone="primary" isBusy={isBusy}>
          Sign in
        </Button>
        {canSignInLocally && (
          <Button isBusy={isBusy} onPress={() => void enter(null)}>
            Sign in as this machine’s administrator
          </Button>
        )}
      </form>
    </main>
  );
}
