// Shows what the form would send for a node: the query's result, the decision, the body, the headers, and the verdict on a response.
import { lazy, memo, type ReactNode, type RefObject, Suspense, useEffect, useRef } from 'react';
import { Badge, type BadgeTone } from '../../kit/badge';
import { indentJson, printJson } from '../../kit/exact-json';
import { Copy } from '../../kit/id';
import { Loading } from '../../kit/loaded';
import type { Input } from './input.js';
import { sentence } from './mistakes.js';
import { NodePicker } from './node-picker';
import styles from './preview-pane.module.css';
import { Rehearse } from './rehearse';
import { ResponsePicker } from './response-picker';
import { useFormScope } from './scope';
import type { PreviewState, Report, Sample, StageReport } from './use-preview';

const CodeView = lazy(() => import('../../editors/editors').then(({ CodeView: component }) => ({ default: component })));

interface PaneProps {
  state: PreviewState;
  topicId: string;
  contentType: 'JSON' | 'XML';
  hasErrorTemplate: boolean;
  nodeId: string | null;
  onNode(nodeId: string | null): void;
  sample: Sample;
  onSample(sample: Sample): void;
  attemptId: string | null;
  onAttempt(attemptId: string | null): void;
  /** The saved subscription, whose stored responses can be judged. */
  subscriptionId: string | null;
  /** Returns the input that the form holds now. */
  getInput(): Input;
}

export const PreviewPane = memo(function PreviewPane(props: PaneProps) {
  const { state, topicId, nodeId, onNode } = props;
  const report = state.preview?.report ?? null;
  const pane = useRef<HTMLElement>(null);
  useFollowedFocus(pane);
  return (
    <section ref={pane} className={styles.pane} aria-label="Live preview" aria-busy={state.isOld}>
      <header className={styles.head}>
        <div>
          <h3 className={styles.title}>
            Live preview <span className={styles.pulse} data-active={state.isOld || undefined} aria-hidden="true" />
          </h3>
          <p className={styles.lead}>Nothing is sent or saved.</p>
        </div>
        {report && <Outcome report={report} />}
      </header>
      {topicId === '' ? (
        <p className={styles.empty}>Choose a topic, and see here what your webhook would send.</p>
      ) : (
        <>
          <NodePicker topicId={topicId} nodeId={nodeId} onNode={onNode} used={report} />
          {state.failure && (
            <p className={styles.failure} role="alert">
              {state.failure}
            </p>
          )}
          {!report && state.preview && !state.isOld && (
            <NoReport messages={state.preview.errors.filter(isAboutNode).map(({ fullMessage }) => fullMessage)} />
          )}
          {!report && state.isOld && <Loading what="the preview" />}
          {report && <Stages {...props} report={report} />}
          <Rehearse getInput={props.getInput} />
        </>
      )}
    </section>
  );
});

/** Scrolls the pane to the stage of the field that gets the focus. Has no effect on a narrow screen, where the pane doesn't scroll. */
function useFollowedFocus(pane: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const follow = ({ target }: FocusEvent) => {
      const field = (target as Element).closest('[data-field]')?.getAttribute('data-field');
      const stage = field && pane.current?.querySelector(`[data-stage-of="${field}"]`);
      if (stage) pane.current?.scrollBy({ top: stage.getBoundingClientRect().top - pane.current.getBoundingClientRect().top - STAGE_GAP });
    };
    document.addEventListener('focusin', follow);
    return () => document.removeEventListener('focusin', follow);
  }, [pane]);
}

/** Pixels that stay visible above the stage. */
const STAGE_GAP = 12;

const isAboutNode = ({ path }: { path: string[] }) => path.at(-1) === 'nodeId' || path.length === 1;

const NoReport = ({ messages }: { messages: string[] }) => (
  <p className={styles.empty}>{messages.length > 0 ? messages.join(' ') : 'There is nothing to preview yet.'}</p>
);

const OUTCOMES: Record<string, { tone: BadgeTone; text: string }> = {
  READY: { tone: 'good', text: 'Would be sent' },
  SKIPPED: { tone: 'warn', text: 'Would be skipped' },
  FAILED: { tone: 'bad', text: 'Would fail' },
};

/** Shows the outcome of the stages before the request. The verdict of the error template on a sample response is shown at its stage. */
function Outcome({ report }: { report: Report }) {
  const failed = report.stages.some(({ stage, outcome }) => outcome === 'FAILED' && ['QUERY', 'VALIDATION', 'TEMPLATE'].includes(stage));
  const skipped = report.stages.some(({ outcome }) => outcome === 'SKIPPED');
  const { tone, text } = OUTCOMES[failed ? 'FAILED' : skipped ? 'SKIPPED' : 'READY'] as { tone: BadgeTone; text: string };
  return <Badge tone={tone}>{text}</Badge>;
}

function Stages({ report, contentType, ...props }: PaneProps & { report: Report }) {
  const stage = (name: StageReport['stage']) => report.stages.find((one) => one.stage === name);
  const query = stage('QUERY');
  const template = stage('TEMPLATE');
  const body = report.request?.body ?? (typeof template?.output === 'string' ? template.output : null);
  return (
    <div className={styles.stages}>
      <Stage title="Query result" field="query" report={query}>
        {query?.outcome === 'OK' && <View text={printJson(query.output, 2)} around="JSON" label="Query result" />}
      </Stage>
      <Stage
        title="Validation"
        field="validationTemplate"
        report={stage('VALIDATION')}
        skipped={<p className={styles.note}>Renders false, so nothing would be sent.</p>}
      >
        {stage('VALIDATION')?.outcome === 'OK' && <p className={styles.note}>Renders true, so the notification is sent.</p>}
        {stage('VALIDATION')?.outcome === 'NOT_RUN' && <p className={styles.note}>Every event is sent.</p>}
      </Stage>
      <Stage title="Body" field="template" report={template}>
        {body !== null && template?.outcome !== 'FAILED' && (
          <View text={contentType === 'JSON' ? indentJson(body) : body} around={contentType} label="Body" copies={body} />
        )}
      </Stage>
      <Stage title="Request" field="callbackUrl" report={undefined}>
        {report.request && <Request request={report.request} />}
        {!report.request && <p className={styles.note}>{whyNoRequest(props.state)}</p>}
      </Stage>
      <ResponsePicker {...props} report={report} errorStage={stage('ERROR_TEMPLATE')} sendStage={stage('SEND')} />
    </div>
  );
}

const REQUEST_FIELDS = ['callbackUrl', 'sns', 'sqs', 'eventBridge', 'auth', 'headers', 'sharedSecret', 'signatures'];

/** Says which fields the request still needs. */
function whyNoRequest({ preview }: PreviewState): string {
  const missing = (preview?.errors ?? []).filter(({ field }) => REQUEST_FIELDS.includes(field.split('.')[0] ?? ''));
  return missing.length > 0 ? `${missing.map(({ fullMessage }) => fullMessage).join('. ')}.` : 'Shown as soon as the body is right.';
}

interface StageProps {
  title: string;
  /** The field in which a mistake of this stage is. */
  field: string;
  report: StageReport | undefined;
  skipped?: ReactNode;
  children: ReactNode;
}

function Stage({ title, field, report, skipped, children }: StageProps) {
  const { editors } = useFormScope();
  const isFailed = report?.outcome === 'FAILED';
  const { place } = report ?? {};
  return (
    <section className={styles.stage} aria-label={title} data-outcome={report?.outcome} data-stage-of={field}>
      <h4 className={styles.stageTitle}>
        <span className={styles.mark} aria-hidden="true" />
        {title}
        {report && report.durationMs > 0 && (
          <span className={styles.duration}>
            {report.durationMs < 10 ? report.durationMs.toFixed(1) : Math.round(report.durationMs)} ms
          </span>
        )}
      </h4>
      {isFailed && (
        <div className={styles.mistake} role="status">
          {place && (
            <button type="button" className={styles.place} onClick={() => editors.current.get(field)?.focus(place)}>
              Line {place.line}, column {place.column}
            </button>
          )}
          <Message text={report.message ?? ''} />
        </div>
      )}
      {report?.outcome === 'SKIPPED' && skipped}
      {children}
    </section>
  );
}

/** Shows the first line as a sentence, and below it the source line with a caret. */
function Message({ text }: { text: string }) {
  const frame = text.split('\n').slice(1).join('\n');
  return (
    <>
      <p>{sentence(text)}</p>
      {frame && <pre>{frame}</pre>}
    </>
  );
}

function Request({ request: { url, headers, bodyBytes } }: { request: NonNullable<Report['request']> }) {
  const entries = Object.entries((headers ?? {}) as Record<string, string>);
  return (
    <>
      <p className={styles.url}>
        <strong>POST</strong> {url} <span className={styles.size}>{bodyBytes} bytes</span>
      </p>
      <dl className={styles.headers}>
        {entries.map(([name, value]) => (
          <div key={name} data-signature={/sign|hmac|digest/i.test(name) || undefined}>
            <dt>{name}</dt>
            <dd>{String(value)}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

interface ViewProps {
  text: string;
  around: 'JSON' | 'XML' | 'TEXT';
  label: string;
  /** The text to copy. Default: the shown text. */
  copies?: string;
}

function View({ text, around, label, copies = text }: ViewProps) {
  return (
    <div className={styles.view}>
      <Suspense fallback={<pre>{text}</pre>}>
        <CodeView text={text} around={around} label={label} />
      </Suspense>
      <span className={styles.copy}>
        <Copy text={copies} what={label.toLowerCase()} />
      </span>
    </div>
  );
}
