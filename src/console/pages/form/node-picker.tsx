// Chooses the node of the preview: one of the newest nodes, or a node whose id is pasted.
import { useRef } from 'react';
import { Button as AriaButton } from 'react-aria-components/Button';
import { ComboBox } from 'react-aria-components/ComboBox';
import { Input } from 'react-aria-components/Input';
import { Label } from 'react-aria-components/Label';
import { type Key, ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { Popover } from 'react-aria-components/Popover';
import { useApi } from '../../app/queries';
import { Chevron } from './controls';
import controls from './controls.module.css';
import { RECENT_NODES } from './operations';
import styles from './preview-pane.module.css';

interface PickerProps {
  topicId: string;
  nodeId: string | null;
  onNode(nodeId: string | null): void;
  /** The node that the shown preview used. */
  used: { nodeId: string; nodeLabel: string | null } | null;
}

const LAST = 'last';

export function NodePicker({ topicId, nodeId, onNode, used }: PickerProps) {
  const { data } = useApi(RECENT_NODES, { topic: topicId });
  const recent = data?.webhookTopic?.recentNodes ?? [];
  const last = recent[0];
  const items = [
    { id: LAST, label: `The last one${last ? `: ${last.nodeLabel ?? last.nodeId}` : ''}` },
    ...recent.map(({ nodeId: id, nodeLabel }) => ({ id, label: nodeLabel ?? id })),
  ];
  const isPasted = nodeId !== null && !recent.some((one) => one.nodeId === nodeId);
  if (isPasted) items.push({ id: nodeId, label: used?.nodeId === nodeId ? (used.nodeLabel ?? nodeId) : nodeId });
  // The text that was typed or pasted and not yet used. When the box closes, before or after the focus leaves, it replaces its text by the
  // chosen label, so a pasted id can't be read from the box.
  const typed = useRef<string | null>(null);
  const take = () => {
    const text = typed.current?.trim();
    typed.current = null;
    if (text === undefined || items.some(({ label }) => label === text)) return;
    onNode(text === '' ? null : text);
  };
  const choose = (key: Key | null) => {
    if (key === null) return take();
    typed.current = null;
    onNode(key === LAST ? null : String(key));
  };
  return (
    <ComboBox
      className={styles.picker ?? ''}
      value={nodeId ?? LAST}
      items={items}
      allowsCustomValue
      menuTrigger="focus"
      onChange={choose}
      onBlur={take}
    >
      <Label className={styles.pickerLabel ?? ''}>Node</Label>
      <span className={controls.combo}>
        <Input
          className={controls.input ?? ''}
          onFocus={({ currentTarget }) => currentTarget.select()}
          onInput={({ currentTarget }) => {
            typed.current = currentTarget.value;
          }}
          onKeyDownCapture={({ key }) => {
            if (key === 'Enter' || key === 'Tab') take();
            // These keys choose from the list, or discard the typed text.
            else if (['ArrowDown', 'ArrowUp', 'Escape'].includes(key)) typed.current = null;
          }}
          placeholder="Choose a node, or paste an id"
        />
        <AriaButton className={controls.comboButton ?? ''} aria-label="Show recent nodes">
          <Chevron />
        </AriaButton>
      </span>
      <Popover className={controls.popover ?? ''}>
        <ListBox className={controls.options ?? ''}>
          {(item: (typeof items)[number]) => (
            <ListBoxItem className={controls.option ?? ''} id={item.id} textValue={item.label}>
              {item.label}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}
