// Shows GraphiQL in a frame, which sends the session's cookie as the console does, and opens the form of a new webhook with its query.
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { config } from '../../app/config';
import { useRights } from '../../app/viewer';
import { Button } from '../../kit/button';
import { Empty, Loading } from '../../kit/loaded';
import { Page } from '../../kit/page';
import { notify } from '../../kit/toast';
import styles from './explorer.module.css';

export function ExplorerPage() {
  const navigate = useNavigate();
  const { unavailable } = useRights();
  const [isLoaded, setLoaded] = useState(false);
  const take = () => {
    const query = shownQuery();
    if (query === null) notify({ tone: 'bad', text: 'The tab that is open in the explorer has no query.' });
    else void navigate({ to: '/webhooks/new', search: { query } });
  };
  return (
    <Page
      title="Explorer"
      lead="Ask the API in GraphQL, with your rights. Its documentation is behind the book."
      actions={
        config.explorer !== null && (
          <Button icon="webhook" unavailable={unavailable} onPress={take}>
            Use this query in a webhook
          </Button>
        )
      }
    >
      {config.explorer === null ? (
        <Empty title="This server has no explorer" />
      ) : (
        <>
          {!isLoaded && <Loading what="the explorer" />}
          <iframe
            className={styles.frame}
            data-loaded={isLoaded || undefined}
            title="GraphiQL"
            src={config.explorer}
            onLoad={() => setLoaded(true)}
          />
        </>
      )}
    </Page>
  );
}

/** Returns the query of the open tab, which GraphiQL stores in the browser while it is typed; `null` when there is none. */
function shownQuery(): string | null {
  const key = Object.keys(localStorage).find((name) => /(^|:)tabState$/.test(name));
  try {
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem(key ?? '') ?? '') as {
      tabs: { query?: string }[];
      activeTabIndex: number;
    };
    return tabs[activeTabIndex]?.query?.trim() || null;
  } catch {
    return null;
  }
}
