// Shows an attempt: how long each part took and, when it is opened, the request and the response.
import { useId, useState } from 'react';
import { useApi } from '../../app/queries';
import { Badge, type BadgeTone } from '../../kit/badge';
import { Icon } from '../../kit/icon';
import { Copy } from '../../kit/id';
import { Loaded } from '../../kit/loaded';
import { formatMs, Time } from '../../kit/time';
import shared from '../history/history.module.css';
import { stageText } from '../history/words';
import { curlOf } from './curl';
import styles from './deliveries.module.css';
import { Message } from './message';
import { ATTEMPT, type ListedAttempt } from './queries';

const OUTCOMES: Record<ListedAttempt['outcome'], { text: string; tone: BadgeTone }> = {
  DELIVERED: { text: 'Delivered', tone: 'good' },
  FAILED: { text: 'Failed', tone: 'bad' },
  SKIPPED: { text: 'Skipped', tone: 'idle' },
  HELD: { text: 'Held', tone: 'warn' },
};

export function AttemptItem({ attempt, isFirstOpen }: { attempt: ListedAttempt; isFirstOpen: boolean }) {
  const [isOpen, setOpen] = useState(isFirstOpen);
  const id = useId();
  const { number, startedAt, durationMs, outcome, stage, message, response } = attempt;
  const { text, tone } = OUTCOMES[outcome];
  return (
    <li className={styles.attempt}>
      <button type="button" className={styles.head} aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>
        <strong>Attempt {number}</strong>
        <Badge tone={tone}>{text}</Badge>
        <span>{response ? `HTTP ${response.status}` : stageText(stage)}</span>
        <span className={styles.grow}>{!isOpen && message}</span>
        <span className={shared.sub}>
          <Time at={startedAt} /> · {formatMs(durationMs)}
        </span>
        <Icon name={isOpen ? 'up' : 'down'} size={16} />
      </button>
      {isOpen && (
        <div id={id} className={styles.open}>
          {message && (
            <p className={styles.why} data-tone={tone}>
              {message}
            </p>
          )}
          <Parts attempt={attempt} />
          <Exchange id={attempt.id} />
        </div>
      )}
    </li>
  );
}

interface Timings {
  queryMs?: number;
  renderMs?: number;
  authMs?: number;
  sendMs?: number;
  firstByteMs?: number;
}

/** The stages that each duration covers. The bar with the stage at which an attempt ended has the colour of the outcome. */
const PARTS: [name: keyof Timings, text: string, stages: string[]][] = [
  ['queryMs', 'Query', ['QUERY']],
  ['renderMs', 'Templates', ['VALIDATION', 'TEMPLATE']],
  ['authMs', 'Access token', ['AUTH']],
  ['sendMs', 'Send and answer', ['ADDRESS', 'CONNECT', 'TIMEOUT', 'ANSWER', 'STATUS', 'ERROR_TEMPLATE']],
];

/** Draws the parts of an attempt one below the other, each beginning at its start time. */
function Parts({ attempt: { timings, durationMs, outcome, stage, number } }: { attempt: ListedAttempt }) {
  const known = (timings ?? {}) as Timings;
  const ran = PARTS.filter(([name]) => known[name] !== undefined);
  if (ran.length === 0) return null;
  const whole = Math.max(durationMs, ...ran.map(([name]) => known[name] ?? 0), 0.1);
  let start = 0;
  return (
    <ol className={styles.bars} aria-label={`Stages of attempt ${number}`}>
      {ran.map(([name, text, stages]) => {
        const ms = known[name] ?? 0;
        const at = Math.min(start, whole);
        start += ms;
        const isLast = outcome !== 'DELIVERED' && stage !== null && stages.includes(stage);
        return (
          <li key={name} className={styles.bar}>
            <span>
              {text}
              {isLast && <span className="visually-hidden"> (ended here)</span>}
            </span>
            <span className={styles.track}>
              <span
                className={styles.fill}
                data-tone={isLast ? OUTCOMES[outcome].tone : undefined}
                style={{ left: `${(at / whole) * 100}%`, width: `${(Math.min(ms, whole - at) / whole) * 100}%` }}
              />
            </span>
            <span className={styles.ms}>{ms < 1 ? `${ms.toFixed(1)} ms` : formatMs(ms)}</span>
          </li>
        );
      })}
    </ol>
  );
}

function Exchange({ id }: { id: string }) {
  const query = useApi(ATTEMPT, { id });
  return (
    <Loaded query={query} what="the request and the response">
      {({ webhookAttempt }) => {
        const { request = null, response = null } = webhookAttempt ?? {};
        return (
          <div className={styles.pair}>
            {request ? (
              <Message title="Request" first={`POST ${request.url}`} {...request}>
                <span className={shared.chips}>
                  <span className={shared.sub}>as curl</span>
                  <Copy text={curlOf(request)} what="the request as curl" />
                </span>
              </Message>
            ) : (
              <p className={shared.sub}>No request was sent.</p>
            )}
            {response ? (
              <Message title="Response" first={`HTTP ${response.status}`} {...response} />
            ) : (
              <p className={shared.sub}>No response was received.</p>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}
