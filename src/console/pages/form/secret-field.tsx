// The shared secret: typed, or generated and then shown once.
import { useState } from 'react';
import { Button } from '../../kit/button';
import { Copy } from '../../kit/id';
import { useValue } from './controls';
import controls from './controls.module.css';
import type { Draft } from './draft.js';
import { Field } from './field';
import styles from './secret-field.module.css';

const BYTES = 32;

/** Makes a secret that every signature scheme accepts, in the format of Standard Webhooks. */
function generate(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return `whsec_${btoa(String.fromCharCode(...bytes))}`;
}

/** @param isSaved whether a secret is saved, which the API never returns */
export function SecretField({ isSaved }: { isSaved: boolean }) {
  const { value, set, onBlur, isReadOnly } = useValue<Draft['secret']>('secret');
  const [generated, setGenerated] = useState<string | null>(null);
  const isShown = value.mode === 'SET' && value.value === generated;
  const onGenerate = () => {
    const made = generate();
    setGenerated(made);
    set({ mode: 'SET', value: made });
  };
  const tools = !isReadOnly && value.mode !== 'KEEP' && (
    <>
      {isSaved && (
        <Button tone="quiet" onPress={() => set({ mode: 'KEEP', value: '' })}>
          Keep the saved secret
        </Button>
      )}
      <Button tone="quiet" icon="refresh" onPress={onGenerate}>
        Generate
      </Button>
    </>
  );
  return (
    <Field name="secret" label="Shared secret" tools={tools} note={noteOf(value, isShown, isSaved)} isGroup={value.mode === 'KEEP'}>
      {({ id, describedBy, isInvalid }) =>
        value.mode === 'KEEP' ? (
          <div className={styles.saved}>
            <span>A secret is set. It can’t be shown.</span>
            {!isReadOnly && (
              <div className={styles.tools}>
                <Button onPress={() => set({ mode: 'SET', value: '' })}>Replace</Button>
                <Button tone="danger" onPress={() => set({ mode: 'NONE', value: '' })}>
                  Remove
                </Button>
              </div>
            )}
          </div>
        ) : (
          <div className={styles.row} data-shown={isShown || undefined}>
            <input
              id={id}
              className={controls.input}
              data-code
              type={isShown ? 'text' : 'password'}
              autoComplete="new-password"
              value={value.value}
              placeholder="None: notifications are not signed"
              readOnly={isReadOnly}
              aria-describedby={describedBy}
              aria-invalid={isInvalid || undefined}
              onBlur={onBlur}
              onChange={({ target }) => set({ mode: target.value === '' ? 'NONE' : 'SET', value: target.value })}
            />
            {isShown && <Copy text={value.value} what="secret" />}
          </div>
        )
      }
    </Field>
  );
}

function noteOf({ mode }: Draft['secret'], isShown: boolean, isSaved: boolean): string | null {
  if (isShown) return 'Shown only now. Copy it to your receiver before you save.';
  return isSaved && mode === 'NONE' ? 'The saved secret is removed when you save.' : null;
}
