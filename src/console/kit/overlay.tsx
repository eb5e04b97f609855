// What covers the page: a drawer that slides out from the right, and a dialog in the middle.
import type { ReactNode } from 'react';
import { Dialog as AriaDialog } from 'react-aria-components/Dialog';
import { Heading } from 'react-aria-components/Heading';
import { Modal, ModalOverlay } from 'react-aria-components/Modal';
import { Button, IconButton } from './button';
import { Code } from './code';
import styles from './overlay.module.css';

interface OverlayProps {
  title: string;
  /** Called when the overlay should close: by its cross, Escape, or a press outside. The caller may refuse by not closing it. */
  onClose(): void;
  children: ReactNode;
}

export interface DrawerProps extends OverlayProps {
  /** What stays at the bottom, such as Save. */
  footer?: ReactNode;
  /** Takes most of the screen, for editors side by side. */
  isWide?: boolean;
}

/** On a narrow screen it covers the page. Only its content scrolls. */
export function Drawer({ title, onClose, footer, isWide = false, children }: DrawerProps) {
  return (
    <ModalOverlay isOpen isDismissable onOpenChange={(isOpen) => !isOpen && onClose()} className={styles.veil as string}>
      <Modal className={`${styles.drawer} ${isWide ? styles.wide : ''}`}>
        <AriaDialog className={styles.frame as string}>
          <header className={styles.head}>
            <Heading slot="title">{title}</Heading>
            <IconButton label="Close" icon="close" onPress={onClose} />
          </header>
          <div className={styles.content}>{children}</div>
          {footer && <footer className={styles.foot}>{footer}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface DialogProps extends OverlayProps {
  /** The buttons. Default: a button that closes the dialog. */
  buttons?: ReactNode;
}

export function Dialog({ title, onClose, buttons, children }: DialogProps) {
  return (
    <ModalOverlay isOpen isDismissable onOpenChange={(isOpen) => !isOpen && onClose()} className={styles.veil as string}>
      <Modal className={styles.dialog as string}>
        <AriaDialog className={styles.frame as string}>
          <header className={styles.head}>
            <Heading slot="title">{title}</Heading>
          </header>
          <div className={styles.content}>{children}</div>
          <footer className={styles.foot}>{buttons ?? <Button onPress={onClose}>Close</Button>}</footer>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface ShowOnceProps {
  /** What is shown, such as "the new token". */
  what: string;
  text: string;
  /** Says what to do with the shown text. */
  children: ReactNode;
  onClose(): void;
}

/** Shows a secret that can't be shown again later. */
export function ShowOnce({ what, text, children, onClose }: ShowOnceProps) {
  const done = (
    <Button tone="primary" onPress={onClose}>
      I have copied it
    </Button>
  );
  return (
    <Dialog title={what.charAt(0).toUpperCase() + what.slice(1)} onClose={onClose} buttons={done}>
      <p>{children} It is never shown again.</p>
      <Code text={text} what={what} />
    </Dialog>
  );
}

export interface ConfirmProps {
  title: string;
  /** The name of the action on its button, such as "Delete". */
  action: string;
  isDangerous?: boolean;
  isBusy?: boolean;
  onConfirm(): void;
  onClose(): void;
  children: ReactNode;
}

/** Asks before an action that can't be undone. */
export function Confirm({ title, action, isDangerous = false, isBusy = false, onConfirm, onClose, children }: ConfirmProps) {
  const buttons = (
    <>
      <Button onPress={onClose}>Cancel</Button>
      <Button tone={isDangerous ? 'danger' : 'primary'} isBusy={isBusy} onPress={onConfirm}>
        {action}
      </Button>
    </>
  );
  return (
    <Dialog title={title} onClose={onClose} buttons={buttons}>
      {children}
    </Dialog>
  );
}
