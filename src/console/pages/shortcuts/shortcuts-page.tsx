// Lists the keyboard shortcuts.
import { NAVIGATION } from '../../app/navigation';
import { Page, Section } from '../../kit/page';
import styles from './shortcuts.module.css';

const EVERYWHERE: [keys: string, what: string][] = [
  ['?', 'Show this page'],
  ['/', 'Go to the search field'],
  ['c', 'Create a webhook'],
  ['Esc', 'Close what is open'],
];

export function ShortcutsPage() {
  const pages = NAVIGATION.flat()
    .filter(({ key }) => key !== '?')
    .map(({ key, label }): [string, string] => [`g ${key}`, label]);
  return (
    <Page
      title="Keyboard shortcuts"
      lead="They work wherever you are not typing. Tab, Enter, Space and the arrow keys work as in every page."
    >
      <Section title="Everywhere">
        <Keys keys={EVERYWHERE} />
      </Section>
      <Section title="Go to a page">
        <Keys keys={pages} />
      </Section>
    </Page>
  );
}

function Keys({ keys }: { keys: [keys: string, what: string][] }) {
  return (
    <dl className={styles.keys}>
      {keys.map(([pressed, what]) => (
        <div key={pressed}>
          <dt>
            {pressed.split(' ').map((key, index) => (
              <span key={key}>
                {index > 0 && ' then '}
                <kbd>{key}</kbd>
              </span>
            ))}
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}
