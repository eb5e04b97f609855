// The frame of a field: its label, its help behind a "?", the control, and its mistakes.
import { type ReactNode, useId } from 'react';
import { Help } from '../../kit/field';
import styles from './field.module.css';
import { describeField } from './help-texts.js';
import type { FieldMistake } from './mistakes.js';
import { useFormScope, useMistakes } from './scope';

export interface ControlIds {
  id: string;
  labelId: string;
  describedBy: string | undefined;
  isInvalid: boolean;
}

export interface FieldProps {
  name: string;
  label: string;
  isRequired?: boolean;
  /** A help text of the form itself, before the description of the API. */
  help?: string;
  /** A short sentence below the control. */
  note?: ReactNode;
  /** Buttons at the right of the label. */
  tools?: ReactNode;
  /** The label names a group, not one control. */
  isGroup?: boolean;
  /** The control itself describes each value. */
  describesValues?: boolean;
  /** Puts the cursor at the place of a mistake. */
  onShowPlace?(mistake: FieldMistake): void;
  children(ids: ControlIds): ReactNode;
}

export function Field({
  name,
  label,
  isRequired = false,
  help,
  note,
  tools,
  isGroup = false,
  describesValues = false,
  onShowPlace,
  children,
}: FieldProps) {
  const id = useId();
  const { errors, warnings } = useMistakes(name);
  const hasMistakes = errors.length + warnings.length > 0;
  const ids = {
    id,
    labelId: `${id}-label`,
    describedBy: [note && `${id}-note`, hasMistakes && `${id}-mistakes`].filter(Boolean).join(' ') || undefined,
    isInvalid: errors.length > 0,
  };
  const text = (
    <>
      {label}
      {isRequired && (
        <span className={styles.required} aria-hidden="true">
          *
        </span>
      )}
    </>
  );
  return (
    <div className={styles.field} data-field={name} data-invalid={ids.isInvalid || undefined}>
      <div className={styles.head}>
        {isGroup ? (
          <span className={styles.label} id={ids.labelId}>
            {text}
          </span>
        ) : (
          <label className={styles.label} id={ids.labelId} htmlFor={id}>
            {text}
          </label>
        )}
        <FieldHelp name={name} label={label} {...(help && { help })} hasValues={!describesValues} />
        {tools && <div className={styles.tools}>{tools}</div>}
      </div>
      {children(ids)}
      {note && (
        <p className={styles.note} id={`${id}-note`}>
          {note}
        </p>
      )}
      {hasMistakes && (
        <ul className={styles.mistakes} id={`${id}-mistakes`}>
          {errors.map((mistake) => (
            <MistakeLine key={mistake.message} mistake={mistake} tone="error" onShowPlace={onShowPlace} />
          ))}
          {warnings.map((mistake) => (
            <MistakeLine key={mistake.message} mistake={mistake} tone="warning" onShowPlace={onShowPlace} />
          ))}
        </ul>
      )}
    </div>
  );
}

interface MistakeLineProps {
  mistake: FieldMistake;
  tone: 'error' | 'warning';
  onShowPlace: ((mistake: FieldMistake) => void) | undefined;
}

function MistakeLine({ mistake, tone, onShowPlace }: MistakeLineProps) {
  const { message, place } = mistake;
  const where = place && `Line ${place.line}, column ${place.column}`;
  return (
    <li data-tone={tone}>
      {where &&
        (onShowPlace ? (
          <button type="button" className={styles.place} onClick={() => onShowPlace(mistake)}>
            {where}
          </button>
        ) : (
          <span>{where}</span>
        ))}
      <span className={styles.message}>{message}</span>
    </li>
  );
}

interface FieldHelpProps {
  name: string;
  label: string;
  help?: string;
  hasValues?: boolean;
}

/** The description of the field in the API, and those of its values. */
export function FieldHelp({ name, label, help, hasValues = true }: FieldHelpProps) {
  const { text, values } = describeField(useFormScope().schema, name);
  if (!text && !help) return null;
  return (
    <Help about={label}>
      <div className={styles.help}>
        {help && <p>{inCode(help)}</p>}
        {text && <p>{inCode(text)}</p>}
        {hasValues && values.length > 0 && (
          <dl>
            {values.map(({ name: value, description }) => (
              <div key={value}>
                <dt>{value}</dt>
                <dd>{inCode(description)}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </Help>
  );
}

/** Sets the words between backticks as code. */
export function inCode(text: string): ReactNode[] {
  // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text have no other key, and never move
  return text.split('`').map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}
