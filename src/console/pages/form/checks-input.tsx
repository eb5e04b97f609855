// Several choices with boxes.
import { Checkbox } from 'react-aria-components/Checkbox';
import { CheckboxGroup } from 'react-aria-components/CheckboxGroup';
import styles from './checks-input.module.css';
import { type Choice, type Name, useValue } from './controls';
import { Field, inCode } from './field';

export function ChecksInput({ name, label, choices, note }: { name: Name; label: string; choices: readonly Choice[]; note?: string }) {
  const { value, set, onBlur, isReadOnly } = useValue<string[]>(name);
  return (
    <Field name={name} label={label} isGroup describesValues {...(note && { note })}>
      {({ labelId, describedBy }) => (
        <CheckboxGroup
          aria-labelledby={labelId}
          aria-describedby={describedBy}
          value={value}
          onChange={set}
          onBlur={onBlur}
          isReadOnly={isReadOnly}
          className={styles.checks ?? ''}
        >
          {choices.map((choice) => (
            <Checkbox key={choice.value} value={choice.value} className={styles.check ?? ''}>
              <span className={styles.box} aria-hidden="true" />
              <span className={styles.text}>
                {choice.label}
                {choice.description && <small>{inCode(choice.description)}</small>}
              </span>
            </Checkbox>
          ))}
        </CheckboxGroup>
      )}
    </Field>
  );
}
