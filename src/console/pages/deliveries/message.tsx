// Shows a request or a response as it was sent: headers, and the body in a readable form.
import { useState } from 'react';
import { Button } from '../../kit/button';
import { Code } from '../../kit/code';
import shared from '../history/history.module.css';
import styles from './deliveries.module.css';

interface Props {
  title: string;
  /** What stands before the headers: the URL or the status. */
  first: string;
  headers: unknown;
  body: string | null;
  bodyBytes: number;
  bodyOmitted: keyof typeof OMITTED | null;
  children?: React.ReactNode;
}

const OMITTED = {
  SWITCHED_OFF: 'The body was not recorded, because this webhook records no bodies.',
  UNMASKABLE: 'The body was not recorded, because the values to mask could not be found in it.',
  DELETED: 'Headers and body have been deleted, because they were older than this installation keeps them.',
  FORGOTTEN: 'Headers and body were blanked, because an admin had this node forgotten.',
};

export function Message({ title, first, headers, body, bodyBytes, bodyOmitted, children }: Props) {
  const [isRaw, setRaw] = useState(false);
  const readable = body === null ? null : readableOf(body);
  const shown = isRaw ? body : readable;
  const sent = Object.entries((headers ?? {}) as Record<string, unknown>);
  return (
    <section className={styles.message} aria-label={title}>
      <div className={styles.messageHead}>
        <h3>{title}</h3>
        {children}
      </div>
      <code className={styles.url}>{first}</code>
      <details>
        <summary>
          {sent.length} {sent.length === 1 ? 'header' : 'headers'}
        </summary>
        <dl className={styles.headers}>
          {sent.map(([name, value]) => (
            <div key={name}>
              <dt>{name}:</dt>
              <dd>{String(value)}</dd>
            </div>
          ))}
        </dl>
      </details>
      {shown === null ? (
        <p>{bodyOmitted ? OMITTED[bodyOmitted] : 'No body was recorded.'}</p>
      ) : shown === '' ? (
        <p className={shared.sub}>The body is empty.</p>
      ) : (
        <>
          <Code text={shown} what={`Body of the ${title.toLowerCase()}`} />
          <div className={styles.size}>
            <span className={shared.sub}>{bodyBytes.toLocaleString()} bytes</span>
            {body !== readable && (
              <Button tone="quiet" onPress={() => setRaw(!isRaw)}>
                {isRaw ? 'Show it readable' : 'Show it as sent'}
              </Button>
            )}
          </div>
        </>
      )}
    </section>
  );
}

/** Texts beyond this length are shown as they are: indenting them would hold up the page. */
const MOST_READABLE = 300_000;

/** Indents JSON and XML. Numbers keep all their digits, because the text is indented without being converted to values. */
function readableOf(body: string): string {
  const text = body.trim();
  if (text.length > MOST_READABLE) return body;
  if (text.startsWith('<')) return indentXml(text);
  try {
    JSON.parse(text);
  } catch {
    return body;
  }
  return indentJson(text);
}

function indentJson(text: string): string {
  let depth = 0;
  let indented = '';
  for (const token of text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? []) {
    const line = () => `\n${'  '.repeat(depth)}`;
    if (token === '{' || token === '[') {
      depth += 1;
      indented += token + line();
    } else if (token === '}' || token === ']') {
      depth -= 1;
      indented = /[{[]\s*$/.test(indented) ? indented.trimEnd() + token : indented + line() + token;
    } else if (token === ',') indented += token + line();
    else indented += token === ':' ? ': ' : token;
  }
  return indented;
}

function indentXml(text: string): string {
  let depth = 0;
  return text
    .replaceAll(/>\s*</g, '>\n<')
    .split('\n')
    .map((line) => {
      if (/^<\//.test(line)) depth = Math.max(0, depth - 1);
      const indented = '  '.repeat(depth) + line;
      if (/^<[^!?/][^>]*[^/]>$|^<[^!?/]>$/.test(line) && !/<\//.test(line)) depth += 1;
      return indented;
    })
    .join('\n');
}
