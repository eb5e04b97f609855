// Judges a response with the error template: a typed response, or a stored response of a receiver.
import { useApi } from '../../app/queries';
import { Badge } from '../../kit/badge';
import controls from './controls.module.css';
import { STORED_RESPONSES } from './operations';
import styles from './preview-pane.module.css';
import { useFormScope } from './scope';
import type { Report, Sample, StageReport } from './use-preview';

interface ResponseProps {
  sample: Sample;
  onSample(sample: Sample): void;
  attemptId: string | null;
  onAttempt(attemptId: string | null): void;
  subscriptionId: string | null;
  hasErrorTemplate: boolean;
  report: Report;
  errorStage: StageReport | undefined;
  sendStage: StageReport | undefined;
}

const SAMPLE = 'sample';

export function ResponsePicker({ subscriptionId, attemptId, onAttempt, sample, onSample, ...verdict }: ResponseProps) {
  const { data } = useApi(STORED_RESPONSES, { id: subscriptionId ?? '' }, { enabled: subscriptionId !== null });
  const stored = (data?.webhookSubscription?.deliveries.nodes ?? []).flatMap(({ lastAttempt }) =>
    lastAttempt?.response ? [lastAttempt] : [],
  );
  const set = (change: Partial<Sample>) => onSample({ ...sample, ...change });
  return (
    <section className={styles.stage} aria-label="Response" data-stage-of="errorTemplate">
      <h4 className={styles.stageTitle}>
        <span className={styles.mark} aria-hidden="true" />
        Response
        <Verdict {...verdict} />
      </h4>
      {stored.length > 0 && (
        <select
          className={controls.input}
          aria-label="Which response"
          value={attemptId ?? SAMPLE}
          onChange={({ target }) => onAttempt(target.value === SAMPLE ? null : target.value)}
        >
          <option value={SAMPLE}>A sample response</option>
          {stored.map(({ id, startedAt, response }) => (
            <option key={id} value={id}>
              {response?.status} on {new Date(startedAt).toLocaleString()}
            </option>
          ))}
        </select>
      )}
      {attemptId === null && (
        <div className={styles.sample}>
          <label>
            Status
            <input
              className={controls.input}
              inputMode="numeric"
              value={sample.status}
              onChange={({ target }) => set({ status: target.value })}
            />
          </label>
          <label>
            Headers
            <textarea
              className={controls.input}
              data-code
              rows={1}
              placeholder="X-Result: 0"
              value={sample.headers}
              onChange={({ target }) => set({ headers: target.value })}
            />
          </label>
          <label>
            Body
            <textarea
              className={controls.input}
              data-code
              rows={2}
              placeholder={'{"ok": true}'}
              value={sample.body}
              onChange={({ target }) => set({ body: target.value })}
            />
          </label>
        </div>
      )}
      <Message {...verdict} />
    </section>
  );
}

type Judged = Pick<ResponseProps, 'hasErrorTemplate' | 'report' | 'errorStage' | 'sendStage'>;

const isFailed = ({ errorStage, sendStage, report }: Judged) =>
  errorStage?.outcome === 'FAILED' || (report.request !== null && sendStage?.outcome === 'FAILED');

function Verdict(judged: Judged) {
  return isFailed(judged) ? <Badge tone="bad">Counts as failed</Badge> : <Badge tone="good">Counts as delivered</Badge>;
}

function Message(judged: Judged) {
  const { editors } = useFormScope();
  const { errorStage, sendStage, hasErrorTemplate } = judged;
  const failed = errorStage?.outcome === 'FAILED' ? errorStage : isFailed(judged) ? sendStage : undefined;
  if (!failed)
    return (
      <p className={styles.note}>
        {hasErrorTemplate
          ? 'The error template renders nothing, and the status is fine.'
          : 'Without an error template, the status alone decides.'}
      </p>
    );
  const { place, message } = failed;
  const [first = '', ...frame] = (message ?? '').split('\n');
  return (
    <div className={styles.mistake} role="status">
      {place && (
        <button type="button" className={styles.place} onClick={() => editors.current.get('errorTemplate')?.focus(place)}>
          Line {place.line}, column {place.column}
        </button>
      )}
      <p>{first}</p>
      {frame.length > 0 && <pre>{frame.join('\n')}</pre>}
    </div>
  );
}
