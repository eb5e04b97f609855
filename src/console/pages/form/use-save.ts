// Saves the form, and keeps why the last save was refused, until the form changes.
import { useState } from 'react';
import { send } from '../../app/api';
import { useAct } from '../../app/queries';
import { notify } from '../../kit/toast';
import type { Draft } from './draft.js';
import type { Input } from './input.js';
import { type ApiMistake, sentence } from './mistakes.js';
import { CREATE, CREATE_SEVERAL, LOAD, UPDATE } from './operations';
import type { Saved } from './saved.js';
import type { TestReport } from './test-result';

/** The result of a save. `report`: the first failed test, or if none failed, the first test; `null` without a test. */
export interface Done {
  ids: readonly string[];
  report: TestReport | null;
}

export interface Refusal {
  /** The values of the form that were refused, as JSON. */
  of: string;
  errors: ApiMistake[];
}

interface Answer {
  errors: readonly ApiMistake[];
  warnings: readonly ApiMistake[];
  done: Done | null;
}

export function useSave(saved: Saved | null) {
  const create = useAct(CREATE, { showsMistakes: true });
  const createSeveral = useAct(CREATE_SEVERAL, { showsMistakes: true });
  const update = useAct(UPDATE, { showsMistakes: true });
  const [version, setVersion] = useState(saved?.version ?? null);
  const [hasTried, setTried] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [conflict, setConflict] = useState<{ newest: Saved } | null>(null);
  const [done, setDone] = useState<Done | null>(null);

  async function ask(input: Input, topics: readonly string[]): Promise<Answer> {
    if (topics.length > 1) {
      const several = topics.map((id) => ({ ...input, topic: { id } })) as never;
      const { data, errors } = await createSeveral.run({ webhookSubscriptions: several });
      const made = data?.createWebhookSubscriptions;
      return answerOf(errors as ApiMistake[], made?.warnings, made?.webhookSubscriptions, made?.reports);
    }
    const fields = { webhookSubscription: input as never };
    const { data, errors } = saved
      ? await update.run(fields).then(({ data, errors }) => ({ data: data?.updateWebhookSubscription, errors }))
      : await create.run(fields).then(({ data, errors }) => ({ data: data?.createWebhookSubscription, errors }));
    const made = data?.webhookSubscription ? [data.webhookSubscription] : [];
    return answerOf(errors as ApiMistake[], data?.warnings as ApiMistake[], made, [data?.report ?? null]);
  }

  return {
    /** @param topics the ids of all topics; one subscription is created for each, all or none */
    async run(draft: Draft, input: Input, topics: readonly string[]): Promise<Done | null> {
      setTried(true);
      const more = { ...(version !== null && { expectedVersion: version }), ...(draft.test && { test: true }) };
      const answer = await ask({ ...input, ...more }, topics);
      if (saved && answer.errors.some(({ type }) => type === 'CONFLICT')) {
        const { webhookSubscription } = await send(LOAD, { id: saved.id });
        setConflict(webhookSubscription && { newest: webhookSubscription as Saved });
        return null;
      }
      setConflict(null);
      setRefusal({ of: JSON.stringify(draft), errors: [...answer.errors] });
      for (const { fullMessage } of answer.warnings) notify({ tone: 'warn', text: sentence(fullMessage) });
      setDone(answer.done);
      return answer.done;
    },
    refuse() {
      setTried(true);
      return null;
    },
    /** Makes the next save overwrite the newer version. */
    keepMine() {
      setVersion(conflict?.newest.version ?? null);
      setConflict(null);
    },
    conflict,
    hasTried,
    isRunning: create.isRunning || createSeveral.isRunning || update.isRunning,
    refusal,
    done,
  };
}

function answerOf(
  errors: readonly ApiMistake[],
  warnings: readonly ApiMistake[] | undefined,
  made: readonly { id: string }[] | undefined,
  reports: readonly (object | null)[] | undefined,
): Answer {
  const sent = (reports ?? []).filter((report) => report !== null) as TestReport[];
  const report = sent.find(({ outcome }) => outcome !== 'DELIVERED') ?? sent[0] ?? null;
  return { errors, warnings: warnings ?? [], done: made?.length ? { ids: made.map(({ id }) => id), report } : null };
}
