// Fields of forms and filters: label, help behind a "?", and the mistake at the field.
import { type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, useEffect, useId, useState } from 'react';
import { Button as AriaButton } from 'react-aria-components/Button';
import { Dialog, DialogTrigger } from 'react-aria-components/Dialog';
import { Popover } from 'react-aria-components/Popover';
import { Button } from './button';
import styles from './field.module.css';
import { Icon } from './icon';

export interface FieldProps {
  label: string;
  isRequired?: boolean;
  /** Explains the field, behind a "?". */
  help?: ReactNode;
  /** What is wrong with the value; shown at the field and read with it. */
  mistake?: string | null | undefined;
  /** Renders the control, with the id and the attributes that connect it to the label, help and mistake. */
  children(control: { id: string; 'aria-invalid': boolean; 'aria-describedby': string | undefined; required: boolean }): ReactNode;
}

export function Field({ label, isRequired = false, help, mistake, children }: FieldProps) {
  const id = useId();
  return (
    <div className={styles.field}>
      <div className={styles.label}>
        <label htmlFor={id}>
          {label}
          {isRequired && <span aria-hidden="true"> *</span>}
        </label>
        {help && <Help about={label}>{help}</Help>}
      </div>
      {children({ id, 'aria-invalid': Boolean(mistake), 'aria-describedby': mistake ? `${id}-mistake` : undefined, required: isRequired })}
      {mistake && (
        <p className={styles.mistake} id={`${id}-mistake`}>
          {mistake}
        </p>
      )}
    </div>
  );
}

/** A "?" that opens an explanation. A button, because tooltips don't open on touch. */
export function Help({ about, children }: { about: string; children: ReactNode }) {
  return (
    <DialogTrigger>
      <AriaButton className={styles.help as string} aria-label={`Help about ${about}`}>
        <Icon name="help" size={15} />
      </AriaButton>
      <Popover placement="top" className={styles.popover as string}>
        <Dialog aria-label={`Help about ${about}`}>{children}</Dialog>
      </Popover>
    </DialogTrigger>
  );
}

export type TextInputProps = InputHTMLAttributes<HTMLInputElement>;

export const TextInput = (props: TextInputProps) => (
  <input type="text" autoComplete="off" spellCheck={false} {...props} className={styles.input} />
);

export interface SelectProps<Value extends string> extends Omit<SelectHTMLAttributes<HTMLSelectElement>, 'onChange' | 'value'> {
  value: Value;
  choices: readonly (readonly [value: Value, label: string])[];
  onChange(value: NoInfer<Value>): void;
}

/** The platform's own select, which phones and screen readers know best. */
export function Select<Value extends string>({ choices, onChange, ...props }: SelectProps<Value>) {
  return (
    <select {...props} className={styles.select} onChange={(event) => onChange(event.target.value as Value)}>
      {choices.map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}

const PAUSE_MS = 250;

/** A search field that reports its text when the typing pauses. */
export function Search({ label, value, onChange }: { label: string; value: string; onChange(value: string): void }) {
  const [text, setText] = useState(value);
  // The URL can change without typing, such as by Back.
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <div className={styles.search}>
      <Icon name="search" size={16} />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        value={text}
        onChange={(event) => setText(event.target.value)}
        className={styles.input}
        autoComplete="off"
        spellCheck={false}
      />
    </div>
  );
}

/** Shows filters in a row above a list. `onClear` clears them; it is absent while no filter is set. */
export const Filters = ({ children, onClear }: { children: ReactNode; onClear?: (() => void) | undefined }) => (
  <search className={styles.filters} aria-label="Filters">
    {children}
    {onClear && (
      <Button tone="quiet" onPress={onClear}>
        Clear all filters
      </Button>
    )}
  </search>
);
