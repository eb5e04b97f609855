// Keeps whether somebody is signed in, for the whole console.
import { useSyncExternalStore } from 'react';
import { ApiError, post, request } from './api';
import { config } from './config';
import { forgetFilters } from './remembered';

export type SessionState =
  | { is: 'LOADING' }
  | { is: 'SIGNED_IN' }
  /** `reason`: why the last session ended; `null` at the first visit and after a sign-out. */
  | { is: 'SIGNED_OUT'; canSignInLocally: boolean; reason: string | null }
  | { is: 'UNREACHABLE'; message: string };

const PATH = `${config.path}/session`;
/** Remembers for this tab that somebody has signed out, so that a local start doesn't sign in again by itself. */
const LEFT = 'hookgraph-signed-out';

let state: SessionState = config.signIn === 'HOST' ? { is: 'SIGNED_IN' } : { is: 'LOADING' };
let canSignInLocally = false;
const listeners = new Set<() => void>();

function set(next: SessionState): void {
  state = next;
  for (const listener of listeners) listener();
}

export const useSession = (): SessionState =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );

/** Asks the server who is signed in; on a local start it signs in by itself, unless somebody signed out in this tab. */
export async function openSession(): Promise<void> {
  if (config.signIn === 'HOST') return;
  try {
    const { answer } = await request<{ isSignedIn: boolean; canSignInLocally: boolean; reason: string | null }>(PATH);
    if (!answer) throw new ApiError('SERVER', 'The server gave no answer that the console understands.');
    canSignInLocally = answer.canSignInLocally;
    if (answer.isSignedIn) return set({ is: 'SIGNED_IN' });
    if (canSignInLocally && sessionStorage.getItem(LEFT) === null && (await signIn(null)) === null) return;
    set({ is: 'SIGNED_OUT', canSignInLocally, reason: answer.reason });
  } catch (error) {
    set({ is: 'UNREACHABLE', message: (error as Error).message });
  }
}

/** Signs in with a token; `null`: as this machine's administrator, on a local start. Returns why it failed, or `null`. */
export async function signIn(token: string | null): Promise<string | null> {
  try {
    const { status, answer } = await post<{ errors?: { message: string }[] }>(PATH, token === null ? { isLocal: true } : { token });
    if (status !== 200) return forPeople(answer?.errors?.[0]?.message ?? `The server answered with the status ${status}.`);
    sessionStorage.removeItem(LEFT);
    set({ is: 'SIGNED_IN' });
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** @throws ApiError when the server can't be reached; the session then goes on */
export async function signOut(): Promise<void> {
  await request(PATH, { method: 'DELETE' });
  sessionStorage.setItem(LEFT, '1');
  forgetFilters();
  set({ is: 'SIGNED_OUT', canSignInLocally, reason: null });
}

/** Shows the sign-in page, because the server no longer accepts the session. */
export function endSession(reason: string): void {
  if (state.is === 'SIGNED_IN') set({ is: 'SIGNED_OUT', canSignInLocally, reason: forPeople(reason) });
}

/** Replaces hints about the Authorization header, which mean nothing to people who sign in by a cookie. */
function forPeople(reason: string): string {
  if (reason.startsWith('The Authorization header is missing')) return 'Your session has ended. Sign in again to go on.';
  return reason.replace(/ Send `Authorization.*$/, '');
}
