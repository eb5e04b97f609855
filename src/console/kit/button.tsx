// Buttons. A button that may not be pressed stays focusable and says why.
import { type ReactNode, useId } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components/Button';
import styles from './button.module.css';
import { Icon, type IconName } from './icon';

export type Tone = 'primary' | 'plain' | 'quiet' | 'danger';

export interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'children' | 'style'> {
  children?: ReactNode;
  tone?: Tone;
  icon?: IconName;
  /** Why the button can't be pressed now, in a sentence; it is then shown beside the button when it has the focus or the pointer. */
  unavailable?: string | null | undefined;
  /** Whether the action that the button started is still running. */
  isBusy?: boolean;
}

/** The class of a link that looks like a button. */
export const buttonClass = (tone: Tone = 'plain'): string => `${styles.button} ${styles[tone]}`;

export function Button({ tone = 'plain', icon, unavailable, isBusy = false, children, ...props }: ButtonProps) {
  const reasonId = useId();
  const content = (
    <>
      {icon && <Icon name={icon} size={16} />}
      {children}
    </>
  );
  if (unavailable)
    return (
      <span className={styles.unavailable}>
        <button
          type="button"
          aria-disabled="true"
          aria-label={props['aria-label']}
          aria-describedby={reasonId}
          className={buttonClass(tone)}
        >
          {content}
        </button>
        <span role="tooltip" id={reasonId} className={styles.reason}>
          {unavailable}
        </span>
      </span>
    );
  return (
    <AriaButton {...props} isPending={isBusy} className={buttonClass(tone)} data-busy={isBusy || undefined}>
      {content}
    </AriaButton>
  );
}

/** A button that shows only an icon. `label`: its name. */
export function IconButton({ label, icon, ...props }: Omit<ButtonProps, 'children' | 'icon' | 'tone'> & { label: string; icon: IconName }) {
  return (
    <AriaButton {...props} aria-label={label} className={styles.icon}>
      <Icon name={icon} size={16} />
    </AriaButton>
  );
}
