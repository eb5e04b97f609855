// Shows GraphiQL in a frame. It sends the session's cookie, as the console does.
import { config } from '../../app/config';
import { Empty } from '../../kit/loaded';
import { Page } from '../../kit/page';
import styles from './explorer.module.css';

export function ExplorerPage() {
  return (
    <Page title="Explorer" lead="Ask the API in GraphQL, with your rights. Its documentation is behind the book.">
      {config.explorer === null ? (
        <Empty title="This server has no explorer" />
      ) : (
        <iframe className={styles.frame} title="GraphiQL" src={config.explorer} />
      )}
    </Page>
  );
}
