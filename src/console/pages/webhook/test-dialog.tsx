// Sends a test, and shows what each stage did and what the receiver answered.
import { useEffect, useRef, useState } from 'react';
import { useAct, useApi } from '../../app/queries';
import { Badge, type BadgeTone } from '../../kit/badge';
import { Button } from '../../kit/button';
import { Code } from '../../kit/code';
import { indentJson } from '../../kit/exact-json';
import { Field, Select } from '../../kit/field';
import { Loading } from '../../kit/loaded';
import { Dialog } from '../../kit/overlay';
import { formatMs } from '../../kit/time';
import { stageText } from '../history/words';
import { type Report, TEST, TEST_NODES, type Webhook } from './queries';
import styles from './test-dialog.module.css';

interface Result {
  report: Report | null;
  mistakes: string[];
}

export function TestDialog({ webhook, onClose }: { webhook: Webhook; onClose(): void }) {
  const { run, isRunning } = useAct(TEST, { showsMistakes: true });
  const [result, setResult] = useState<Result | null>(null);
  const [nodeId, setNodeId] = useState('');
  const nodes = useApi(TEST_NODES, { id: webhook.id }).data?.webhookSubscription?.topic?.recentNodes ?? [];
  const isSent = useRef(false);
  const send = async () => {
    setResult(null);
    const { data, errors } = await run({ id: webhook.id, nodeId: nodeId || null });
    setResult({ report: data?.testWebhookSubscription.report ?? null, mistakes: errors.map(({ fullMessage }) => fullMessage) });
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the dialog sends once when it opens
  useEffect(() => {
    if (isSent.current) return;
    isSent.current = true;
    void send();
  }, []);
  const buttons = (
    <>
      <Button isBusy={isRunning} onPress={() => void send()}>
        Send again
      </Button>
      <Button tone="primary" onPress={onClose}>
        Close
      </Button>
    </>
  );
  return (
    <Dialog title={`Test of “${webhook.name ?? 'this webhook'}”`} onClose={onClose} buttons={buttons}>
      {nodes.length > 1 && (
        <Field label="Node">
          {({ id }) => (
            <Select
              id={id}
              value={nodeId}
              choices={[['', 'The last one'], ...nodes.map((node) => [node.nodeId, node.nodeLabel ?? node.nodeId] as const)]}
              onChange={setNodeId}
            />
          )}
        </Field>
      )}
      {result === null ? <Loading what="the answer of the receiver" /> : null}
      {result?.mistakes.map((mistake) => (
        <p key={mistake} role="alert">
          {mistake}
        </p>
      ))}
      {result?.report && <ReportView report={result.report} />}
    </Dialog>
  );
}

const OUTCOMES: Record<Report['outcome'], [BadgeTone, string]> = {
  DELIVERED: ['good', 'Delivered'],
  FAILED: ['bad', 'Failed'],
  READY: ['accent', 'Ready'],
  SKIPPED: ['idle', 'Skipped'],
};

function ReportView({ report: { outcome, message, durationMs, nodeLabel, nodeId, stages, request, response } }: { report: Report }) {
  const [tone, text] = OUTCOMES[outcome];
  return (
    <>
      <p>
        <Badge tone={tone}>{text}</Badge> in {formatMs(durationMs)}, with {nodeLabel ?? nodeId}
      </p>
      {message && <p>{message}</p>}
      <ol className={styles.stages} aria-label="Stages">
        {stages
          .filter((stage) => stage.outcome !== 'NOT_RUN')
          .map((stage) => (
            <li key={stage.stage} data-outcome={stage.outcome}>
              <span>{stageText(stage.stage)}</span>
              <span>{formatMs(stage.durationMs)}</span>
              {stage.message && stage.message !== message && <p>{stage.message}</p>}
            </li>
          ))}
      </ol>
      {request?.body && <Code text={indentJson(request.body)} what="Body of the request" maxLines={10} />}
      {response && (
        <>
          <h3>Response: {response.status}</h3>
          {response.body && <Code text={indentJson(response.body)} what="Body of the response" maxLines={8} />}
        </>
      )}
    </>
  );
}
