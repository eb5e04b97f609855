// The controls of the form, each bound to its value by name.

import { Button } from 'react-aria-components/Button';
import { ComboBox } from 'react-aria-components/ComboBox';
import { Input } from 'react-aria-components/Input';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { Popover } from 'react-aria-components/Popover';
import { Radio, RadioGroup } from 'react-aria-components/RadioGroup';
import { Select, SelectValue } from 'react-aria-components/Select';
import { Switch } from 'react-aria-components/Switch';
import { Text } from 'react-aria-components/Text';
import { type Control, type FieldPath, useController, useFormContext } from 'react-hook-form';
import styles from './controls.module.css';
import type { Draft } from './draft.js';
import { Field, FieldHelp, type FieldProps } from './field';
import { useFormScope } from './scope';

export type Name = FieldPath<Draft>;
type Framed = Omit<FieldProps, 'children' | 'name'> & { name: Name };

/** The value of a field, and how to change it. The names of a destination's settings are known only at run time. */
export function useValue<T = string>(name: Name) {
  const { control } = useFormContext<Draft>();
  const { field } = useController({ name, control: control as Control<Draft> });
  const { unavailable } = useFormScope();
  return { value: field.value as T, set: field.onChange as (value: T) => void, onBlur: field.onBlur, isReadOnly: unavailable !== null };
}

interface TextProps extends Framed {
  placeholder?: string;
  type?: 'text' | 'url' | 'password';
  /** The field takes a number. */
  isNumber?: boolean;
  isCode?: boolean;
  rows?: number;
  suffix?: string;
}

export function TextInput({ placeholder, type = 'text', isNumber, isCode, rows, suffix, ...framed }: TextProps) {
  const { value, set, onBlur, isReadOnly } = useValue(framed.name);
  return (
    <Field {...framed}>
      {({ id, describedBy, isInvalid }) => {
        const shared = {
          id,
          value: value ?? '',
          placeholder,
          onBlur,
          readOnly: isReadOnly,
          'aria-describedby': describedBy,
          'aria-invalid': isInvalid || undefined,
          'aria-required': framed.isRequired || undefined,
          'data-code': isCode || undefined,
          className: styles.input,
          autoComplete: type === 'password' ? 'new-password' : 'off',
          spellCheck: false,
        };
        if (rows) return <textarea {...shared} rows={rows} onChange={({ target }) => set(target.value)} />;
        const input = (
          <input {...shared} type={type} inputMode={isNumber ? 'decimal' : undefined} onChange={({ target }) => set(target.value)} />
        );
        return suffix ? (
          <span className={styles.withSuffix}>
            {input}
            <span className={styles.suffix}>{suffix}</span>
          </span>
        ) : (
          input
        );
      }}
    </Field>
  );
}

export interface Choice {
  value: string;
  label: string;
  description?: string;
}

/** The key of "none": a list box needs a key that is not empty. */
const NONE = '-';

export function SelectInput({ choices, ...framed }: Framed & { choices: readonly Choice[] }) {
  const { value, set, onBlur, isReadOnly } = useValue(framed.name);
  return (
    <Field {...framed}>
      {({ id, labelId, describedBy, isInvalid }) => (
        <Select
          aria-labelledby={labelId}
          value={value || NONE}
          onChange={(key) => set(key === NONE ? '' : String(key))}
          isDisabled={isReadOnly}
          isInvalid={isInvalid}
          className={styles.select ?? ''}
        >
          <Button className={styles.selectButton ?? ''} id={id} aria-describedby={describedBy} onBlur={onBlur}>
            <SelectValue className={styles.selectValue ?? ''}>{({ selectedText }) => selectedText}</SelectValue>
            <Chevron />
          </Button>
          <Options choices={choices} />
        </Select>
      )}
    </Field>
  );
}

/** Whether the text contains each word of what was typed, so that `user created` finds `user/created`. */
const hasWords = (text: string, typed: string): boolean =>
  typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.toLowerCase().includes(word));

/** A list to choose from by typing parts of a name. */
export function SearchInput({ choices, placeholder, ...framed }: Framed & { choices: readonly Choice[]; placeholder?: string }) {
  const { value, set, onBlur, isReadOnly } = useValue(framed.name);
  return (
    <Field {...framed}>
      {({ id, labelId, describedBy, isInvalid }) => (
        <ComboBox
          aria-labelledby={labelId}
          value={value || null}
          onChange={(key) => key !== null && set(String(key))}
          isReadOnly={isReadOnly}
          isInvalid={isInvalid}
          menuTrigger="focus"
          defaultFilter={hasWords}
          allowsEmptyCollection
          className={styles.select ?? ''}
        >
          <span className={styles.combo}>
            <Input
              className={styles.input ?? ''}
              id={id}
              aria-describedby={describedBy}
              aria-required={framed.isRequired || undefined}
              placeholder={placeholder}
              onBlur={onBlur}
            />
            <Button className={styles.comboButton ?? ''} aria-label={`Show all: ${framed.label}`}>
              <Chevron />
            </Button>
          </span>
          <Options choices={choices} />
        </ComboBox>
      )}
    </Field>
  );
}

function Options({ choices }: { choices: readonly Choice[] }) {
  return (
    <Popover className={styles.popover ?? ''}>
      <ListBox
        className={styles.options ?? ''}
        items={choices.map((choice) => ({ ...choice, id: choice.value || NONE }))}
        renderEmptyState={() => <p className={styles.optionText}>Nothing matches.</p>}
      >
        {({ id, label, description }) => (
          <ListBoxItem className={styles.option ?? ''} id={id} textValue={label}>
            <Text slot="label">{label}</Text>
            {description && (
              <Text slot="description" className={styles.optionText ?? ''}>
                {description}
              </Text>
            )}
          </ListBoxItem>
        )}
      </ListBox>
    </Popover>
  );
}

export const Chevron = () => (
  <svg className={styles.chevron} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
    <path d="M4 6l4 4 4-4" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" />
  </svg>
);

/** A few choices side by side. */
export function SegmentInput({ choices, ...framed }: Framed & { choices: readonly Choice[] }) {
  const { value, set, onBlur, isReadOnly } = useValue(framed.name);
  return (
    <Field {...framed} isGroup>
      {({ labelId, describedBy, isInvalid }) => (
        <RadioGroup
          aria-labelledby={labelId}
          aria-describedby={describedBy}
          value={value}
          onChange={set}
          onBlur={onBlur}
          isReadOnly={isReadOnly}
          isInvalid={isInvalid}
          orientation="horizontal"
          className={styles.segments ?? ''}
        >
          {choices.map((choice) => (
            <Radio key={choice.value} value={choice.value} className={styles.segment ?? ''}>
              {choice.label}
            </Radio>
          ))}
        </RadioGroup>
      )}
    </Field>
  );
}

export function SwitchInput({ name, label, note }: { name: Name; label: string; note?: string }) {
  const { value, set, onBlur, isReadOnly } = useValue<boolean>(name);
  return (
    <div className={styles.switchRow} data-field={name}>
      <Switch isSelected={value ?? false} onChange={set} onBlur={onBlur} isDisabled={isReadOnly} className={styles.switch ?? ''}>
        <span className={styles.track} />
        <span className={styles.switchText}>
          {label}
          {note && <small>{note}</small>}
        </span>
      </Switch>
      <FieldHelp name={name} label={label} />
    </div>
  );
}
