// Explains that another user has saved the webhook meanwhile, and lets the user choose between both versions.
import { useFormContext } from 'react-hook-form';
import { Banner } from '../../kit/banner';
import { Button } from '../../kit/button';
import type { Draft } from './draft.js';
import { draftOf, type Saved } from './saved.js';

interface ConflictProps {
  saved: Saved;
  newest: Saved;
  onKeep(): void;
}

export function ConflictBanner({ saved, newest, onKeep }: ConflictProps) {
  const { reset } = useFormContext<Draft>();
  const [before, now] = [draftOf(saved), draftOf(newest)];
  const changed = (Object.keys(now) as (keyof Draft)[]).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
  const takeTheirs = () => {
    onKeep();
    reset(now);
  };
  const actions = (
    <>
      <Button onPress={onKeep}>Keep my changes</Button>
      <Button onPress={takeTheirs}>Load version {newest.version}</Button>
    </>
  );
  return (
    <Banner
      tone="warn"
      title={`Version ${newest.version} was saved while you edited version ${saved.version}. Nothing of yours was saved.`}
      actions={actions}
    >
      <p>
        {changed.length > 0 && `It changed ${changed.map(wordsOf).join(', ')}. `}
        If you keep your changes and save again, only the fields that you changed are saved over it.
      </p>
    </Banner>
  );
}

const WORDS: Partial<Record<keyof Draft, string>> = {
  topic: 'topic',
  secret: 'shared secret',
  validationTemplate: 'data validation template',
  errorTemplate: 'error handling template',
  integrationId: 'integration',
  environmentIds: 'environments',
};

const wordsOf = (name: keyof Draft) => WORDS[name] ?? name.replaceAll(/([A-Z])/g, ' $1').toLowerCase();
