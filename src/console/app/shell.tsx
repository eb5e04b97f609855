// Shows the navigation, the signed-in user, and the page.
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Icon } from '../kit/icon';
import { notify } from '../kit/toast';
import { config } from './config';
import { NAVIGATION } from './navigation';
import { remember, useRemembered } from './remembered';
import { signOut } from './session';
import styles from './shell.module.css';
import { useShortcuts } from './shortcuts';
import { setTheme, type Theme, useTheme } from './theme';
import { useViewer } from './viewer';

const NONE = {};

export function Shell() {
  const { isOpen, toggle, opener } = useNarrowNavigation();
  useNavigationKeys();
  useRemembering();
  const filtersOf = useRemembered();
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        Skip to the page
      </a>
      <header className={styles.top}>
        <button
          type="button"
          ref={opener}
          className={styles.menu}
          aria-expanded={isOpen}
          aria-controls="navigation"
          aria-label="Navigation"
          onClick={toggle}
        >
          <Icon name={isOpen ? 'close' : 'menu'} />
        </button>
        <Brand />
      </header>
      <div id="navigation" className={styles.side} data-open={isOpen}>
        <div className={styles.sticky}>
          <nav aria-label="Console">
            <Brand />
            {NAVIGATION.map((group) => (
              <ul key={group[0]?.to} className={styles.group}>
                {group.map(({ to, label, icon }) => (
                  <li key={to}>
                    <Link
                      to={to}
                      search={filtersOf(to)}
                      className={styles.item}
                      activeProps={{ 'aria-current': 'page' }}
                      activeOptions={{ includeSearch: false }}
                    >
                      <Icon name={icon} />
                      {label}
                    </Link>
                  </li>
                ))}
              </ul>
            ))}
          </nav>
          <SignedIn />
        </div>
      </div>
      <main id="main" tabIndex={-1} className={styles.main}>
        <Outlet />
      </main>
    </div>
  );
}

/** Remembers the filters of the list that is shown. */
/** The navigation of a narrow screen: Escape and another page close it. */
function useNarrowNavigation() {
  const [isOpen, setOpen] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const pathname = useRouterState({ select: ({ location }) => location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page closes it
  useEffect(() => setOpen(false), [pathname]);
  const closing = useMemo(() => {
    const close = () => {
      setOpen(false);
      opener.current?.focus();
    };
    return isOpen ? { Escape: close } : NONE;
  }, [isOpen]);
  useShortcuts(closing);
  return { isOpen, toggle: () => setOpen(!isOpen), opener };
}

function useRemembering(): void {
  const path = useRouterState({ select: ({ matches }) => matches.at(-1)?.fullPath ?? '' });
  // Selects a text, which changes only with its content; an object would seem to change each time.
  const search = useRouterState({ select: ({ matches }) => JSON.stringify(matches.at(-1)?.search ?? {}) });
  useEffect(() => remember(path, JSON.parse(search)), [path, search]);
}

function useNavigationKeys(): void {
  const navigate = useNavigate();
  const filtersOf = useRemembered();
  const shortcuts = useMemo(
    () =>
      Object.fromEntries([
        ...NAVIGATION.flat().map(({ to, key }) => [key === '?' ? key : `g ${key}`, () => void navigate({ to, search: filtersOf(to) })]),
        ['c', () => void navigate({ to: '/webhooks/new' })],
        ['/', () => document.querySelector<HTMLElement>('input[type="search"]')?.focus()],
      ]),
    [navigate, filtersOf],
  );
  useShortcuts(shortcuts);
}

function Brand() {
  return (
    <Link to="/webhooks" className={styles.brand}>
      <Icon name="brand" />
      Hookgraph
    </Link>
  );
}

const SCOPES: Record<string, string> = {
  READ: 'Read only',
  MANAGE_WEBHOOKS: 'Manages webhooks',
  ADMIN: 'Administrator',
};

function SignedIn() {
  const { data, error } = useViewer();
  const viewer = data?.webhookViewer;
  const scope = viewer?.token?.scope;
  return (
    <section className={styles.who} aria-label="Signed in as">
      {!viewer && error && <span>Who you are could not be loaded.</span>}
      {viewer && (
        <>
          <strong>{viewer.organizationLabel ?? 'Your organization'}</strong>
          <span>{viewer.userLabel ?? viewer.userId}</span>
          <span className={styles.scope} title={viewer.cannotManageReason ?? undefined}>
            {(scope && SCOPES[scope]) ?? scope ?? (viewer.canManageWebhooks ? 'Manages webhooks' : 'Read only')}
            {viewer.token && ` · token “${viewer.token.name}”`}
          </span>
        </>
      )}
      <div className={styles.tools}>
        <ThemeSwitch />
        {config.signIn === 'TOKEN' && (
          <button
            type="button"
            className={styles.signOut}
            onClick={() => signOut().catch((error: Error) => notify({ tone: 'bad', text: error.message }))}
          >
            <Icon name="signOut" />
            Sign out
          </button>
        )}
      </div>
    </section>
  );
}

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const THEMES = { system: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' };

function ThemeSwitch() {
  const theme = useTheme();
  return (
    <button type="button" className={styles.signOut} onClick={() => setTheme(NEXT[theme])} aria-label={THEMES[theme]} title={THEMES[theme]}>
      <Icon name={theme} />
    </button>
  );
}
