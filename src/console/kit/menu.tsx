// A button that opens a list of further actions.
import type { ReactNode } from 'react';
import { Button as AriaButton } from 'react-aria-components/Button';
import { Menu as AriaMenu, MenuItem, MenuTrigger } from 'react-aria-components/Menu';
import { Popover } from 'react-aria-components/Popover';
import { buttonClass } from './button';
import { Icon } from './icon';
import styles from './menu.module.css';

export interface Action {
  id: string;
  label: ReactNode;
  onAction(): void;
  /** Why the action can't be chosen now. */
  unavailable?: string | null;
  isDangerous?: boolean;
}

export function ActionMenu({ label, actions }: { label: string; actions: Action[] }) {
  return (
    <MenuTrigger>
      <AriaButton className={buttonClass('plain')} aria-label={label}>
        <Icon name="more" size={16} />
      </AriaButton>
      <Popover placement="bottom end" className={styles.popover as string}>
        <AriaMenu className={styles.menu as string} disabledKeys={actions.filter(({ unavailable }) => unavailable).map(({ id }) => id)}>
          {actions.map(({ id, label, onAction, unavailable, isDangerous }) => (
            <MenuItem
              key={id}
              id={id}
              onAction={onAction}
              className={styles.item as string}
              data-danger={isDangerous || undefined}
              textValue={String(label)}
            >
              {label}
              {unavailable && <small>{unavailable}</small>}
            </MenuItem>
          ))}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}
