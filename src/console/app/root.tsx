// The root of all routes: the shell, and what is shown for an unknown address or after an error.
import { createRootRoute, Link, useRouter } from '@tanstack/react-router';
import { Button, buttonClass } from '../kit/button';
import { Page } from '../kit/page';
import { Shell } from './shell';

export const rootRoute = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: ({ error }) => <Broken message={error instanceof Error ? error.message : String(error)} />,
});

function NotFound() {
  return (
    <Page title="This page does not exist">
      <p>The address may be mistyped, or belong to something that was deleted.</p>
      <p>
        <Link to="/webhooks" className={buttonClass('primary')}>
          All webhooks
        </Link>
      </p>
    </Page>
  );
}

function Broken({ message }: { message: string }) {
  const router = useRouter();
  return (
    <Page title="This page failed">
      <p role="alert">{message}</p>
      <p>
        <Button tone="primary" onPress={() => void router.invalidate()}>
          Try again
        </Button>
      </p>
    </Page>
  );
}
