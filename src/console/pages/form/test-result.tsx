// Says that the webhook is saved and its test failed, and why.
import { createPortal } from 'react-dom';
import { Banner } from '../../kit/banner';
import { Button } from '../../kit/button';
import { stageText } from '../history/words';
import styles from './webhook-form.module.css';

export interface TestReport {
  outcome: 'READY' | 'SKIPPED' | 'DELIVERED' | 'FAILED';
  stage: string | null;
  message: string | null;
  nodeLabel: string | null;
  response: { status: number; body: string | null } | null;
}

export function TestResult({ report, footer, onClose }: { report: TestReport; footer: HTMLElement | null; onClose(): void }) {
  const { stage, message, nodeLabel, response } = report;
  return (
    <div className={styles.form}>
      <Banner tone="warn" title="The webhook is saved, and its test failed.">
        <p>
          {nodeLabel && `The test was about ${nodeLabel}. `}
          {stage && `It ended at the stage “${stageText(stage)}”: `}
          {message}
        </p>
      </Banner>
      {response && (
        <section aria-label="Response">
          <h3>The receiver answered {response.status}</h3>
          <pre className={styles.answer}>{response.body || 'An empty body'}</pre>
        </section>
      )}
      {footer && createPortal(<Button onPress={onClose}>Close</Button>, footer)}
    </div>
  );
}
