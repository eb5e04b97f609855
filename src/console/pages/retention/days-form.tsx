// Sets for how many days each kind of history is kept. Asks for confirmation if this deletes history.
import { useState } from 'react';
import { type Mistake, useAct } from '../../app/queries';
import { useRights } from '../../app/viewer';
import { Button } from '../../kit/button';
import { Field, TextInput } from '../../kit/field';
import { Confirm } from '../../kit/overlay';
import { notify } from '../../kit/toast';
import { type Days, daysText, KEEP, KINDS, type Retention } from './queries';
import styles from './retention.module.css';

type Name = keyof Days;
type Typed = Record<Name, string>;

const typedOf = (days: Days): Typed =>
  Object.fromEntries(KINDS.map(({ field }) => [field, days[field] === null ? '' : String(days[field])])) as Typed;

/** Returns what was changed; a text that is no whole number is a mistake. */
function changeOf(typed: Typed, own: Days): { input: Partial<Days>; mistakes: Mistake[] } {
  const input: Partial<Days> = {};
  const mistakes: Mistake[] = [];
  for (const { field } of KINDS) {
    const text = typed[field].trim();
    if (text !== '' && !/^\d{1,9}$/.test(text)) {
      const message = 'must be a whole number of days';
      mistakes.push({ field, message, fullMessage: message, path: [field], type: 'INVALID' });
      continue;
    }
    const days = text === '' ? null : Number(text);
    if (days !== own[field]) input[field] = days;
  }
  return { input, mistakes };
}

export function DaysForm({ retention: { own, installation } }: { retention: Retention }) {
  const { unavailable } = useRights();
  const { run, isRunning } = useAct(KEEP, { showsMistakes: true });
  const [typed, setTyped] = useState<Typed>(() => typedOf(own));
  const [mistakes, setMistakes] = useState<Mistake[]>([]);
  const [asking, setAsking] = useState<Partial<Days> | null>(null);
  const isChanged = JSON.stringify(typed) !== JSON.stringify(typedOf(own));
  const isShorter = (change: Partial<Days>) =>
    KINDS.some(({ field }) => {
      const days = change[field];
      return days != null && days < (own[field] ?? installation[field] ?? Number.POSITIVE_INFINITY);
    });
  const save = async (change: Partial<Days>) => {
    const { ok, errors } = await run({ input: change });
    setAsking(null);
    setMistakes(errors);
    if (ok) notify({ text: 'The days are saved.' });
  };
  const onSave = () => {
    const change = changeOf(typed, own);
    setMistakes(change.mistakes);
    if (change.mistakes.length > 0) return;
    if (isShorter(change.input)) setAsking(change.input);
    else void save(change.input);
  };
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!unavailable && isChanged) onSave();
      }}
    >
      {KINDS.map(({ field, label, help }) => (
        <Field
          key={field}
          label={label}
          help={`${help} Leave it blank to keep them as long as the installation does.`}
          mistake={mistakes.find((mistake) => mistake.path.at(-1) === field)?.message}
        >
          {(control) => (
            <span className={styles.days}>
              <TextInput
                {...control}
                inputMode="numeric"
                value={typed[field]}
                placeholder={installation[field] === null ? 'No limit' : String(installation[field])}
                onChange={(event) => setTyped({ ...typed, [field]: event.target.value })}
              />
              <span>{installation[field] === null ? 'days' : `of at most ${daysText(installation[field])}`}</span>
            </span>
          )}
        </Field>
      ))}
      <div>
        <Button type="submit" tone="primary" unavailable={unavailable ?? (isChanged ? null : 'Nothing is changed.')} isBusy={isRunning}>
          Save
        </Button>
      </div>
      {asking && (
        <Confirm
          title="Delete older history?"
          action="Save and delete"
          isDangerous
          isBusy={isRunning}
          onConfirm={() => void save(asking)}
          onClose={() => setAsking(null)}
        >
          <p>Within ten minutes, history that is older than these days is deleted for your whole organization. This can’t be undone.</p>
          <ul>
            {KINDS.filter(({ field }) => asking[field] != null).map(({ field, label }) => (
              <li key={field}>
                {label}: {daysText(asking[field] ?? null)}
              </li>
            ))}
          </ul>
        </Confirm>
      )}
    </form>
  );
}
