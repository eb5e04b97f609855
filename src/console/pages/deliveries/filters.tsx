// The filters of the list of deliveries. All of them are in the URL.
import { useIsHere } from '../../app/search';
import { Button } from '../../kit/button';
import { Filters, Search, Select } from '../../kit/field';
import { cutId } from '../../kit/id';
import shared from '../history/history.module.css';
import { WebhookSelect } from '../history/webhook-select';
import { STAGE_TEXTS, STAGES } from '../history/words';
import { DELIVERY_STATES } from '../webhooks/parts';
import { CODES, type DeliveriesSearch, SPANS, STATES } from './search';

const SPAN_TEXTS = { '1h': 'Last hour', '24h': 'Last 24 hours', '7d': 'Last 7 days', '30d': 'Last 30 days' } as const;
const CODE_TEXTS: Record<string, string> = {
  '2xx': '2xx: accepted',
  '3xx': '3xx: redirected',
  '4xx': '4xx: refused',
  '5xx': '5xx: failed',
};

const withAll = <Value extends string>(all: string, values: readonly Value[], textOf: (value: Value) => string) =>
  [['', all] as const, ...values.map((value) => [value, textOf(value)] as const)] as const;

const NONE: DeliveriesSearch = {
  webhook: undefined,
  state: undefined,
  since: undefined,
  stage: undefined,
  code: undefined,
  node: undefined,
  search: undefined,
};

interface Props {
  search: DeliveriesSearch;
  onFilter(change: DeliveriesSearch): void;
  isFiltered: boolean;
  /** Whether a webhook can be chosen. */
  hasWebhook: boolean;
}

export function DeliveryFilters({ search, onFilter, isFiltered, hasWebhook }: Props) {
  const isHere = useIsHere();
  const { state, since, stage, code, node } = search;
  const codes = code === undefined || (CODES as readonly string[]).includes(code) ? [...CODES] : [code, ...CODES];
  return (
    <>
      <Filters onClear={isFiltered ? () => onFilter(NONE) : undefined}>
        <Search
          label="Id or words of an error"
          value={search.search ?? ''}
          onChange={(text) => isHere() && onFilter({ search: text || undefined })}
        />
        {hasWebhook && <WebhookSelect value={search.webhook} onChange={(webhook) => onFilter({ webhook })} />}
        <Select
          aria-label="State"
          value={state ?? ''}
          choices={withAll('All states', STATES, (one) => DELIVERY_STATES[one]?.text ?? one)}
          onChange={(value) => onFilter({ state: value || undefined })}
        />
        <Select
          aria-label="Time"
          value={since ?? ''}
          choices={withAll('Any time', SPANS, (one) => SPAN_TEXTS[one])}
          onChange={(value) => onFilter({ since: value || undefined })}
        />
        <Select
          aria-label="Status of the last answer"
          value={code ?? ''}
          choices={withAll('Any answer', codes, (one) => CODE_TEXTS[one] ?? one)}
          onChange={(value) => onFilter({ code: value || undefined })}
        />
        <Select
          aria-label="Stage at which the last attempt ended"
          value={stage ?? ''}
          choices={withAll('Any stage', STAGES, (one) => STAGE_TEXTS[one] ?? one)}
          onChange={(value) => onFilter({ stage: value || undefined })}
        />
      </Filters>
      {node && (
        <div className={shared.chips}>
          <Button icon="close" onPress={() => onFilter({ node: undefined })}>
            Only node {cutId(node)}
          </Button>
        </div>
      )}
    </>
  );
}
