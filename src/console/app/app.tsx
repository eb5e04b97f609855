// Shows the sign-in page or the console, depending on the session.
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useEffect } from 'react';
import { Button } from '../kit/button';
import { Toasts } from '../kit/toast';
import { SignInPage } from '../pages/sign-in/sign-in-page';
import styles from './app.module.css';
import { queryClient } from './queries';
import { router } from './router';
import { openSession, useSession } from './session';

export function App() {
  useEffect(() => void openSession(), []);
  return (
    <QueryClientProvider client={queryClient}>
      <Gate />
      <Toasts />
    </QueryClientProvider>
  );
}

function Gate() {
  const session = useSession();
  // Another user's data must not stay in the cache.
  useEffect(() => {
    if (session.is === 'SIGNED_OUT') queryClient.clear();
  }, [session.is]);
  if (session.is === 'LOADING') return <div className={styles.splash} role="status" aria-label="Loading" />;
  if (session.is === 'SIGNED_OUT') return <SignInPage canSignInLocally={session.canSignInLocally} reason={session.reason} />;
  if (session.is === 'UNREACHABLE')
    return (
      <main className={styles.splash}>
        <h1>The server can’t be reached</h1>
        <p>{session.message}</p>
        <Button tone="primary" onPress={() => void openSession()}>
          Try again
        </Button>
      </main>
    );
  return <RouterProvider router={router} />;
}
