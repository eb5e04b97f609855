// Chooses the node of the preview: one of the newest, or one whose id is pasted.
import { Button as AriaButton } from 'react-aria-components/Button';
import { ComboBox } from 'react-aria-components/ComboBox';
import { Input } from 'react-aria-components/Input';
import { Label } from 'react-aria-components/Label';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
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
  return (
    <ComboBox
      className={styles.picker ?? ''}
      value={nodeId ?? LAST}
      items={items}
      allowsCustomValue
      menuTrigger="focus"
      onChange={(key) => key !== null && onNode(key === LAST ? null : String(key))}
      onBlur={({ target }) => readPasted((target as HTMLInputElement).value, items, onNode)}
    >
      <Label className={styles.pickerLabel ?? ''}>Node</Label>
      <span className={controls.combo}>
        <Input
          className={controls.input ?? ''}
          onFocus={({ currentTarget }) => currentTarget.select()}
          onKeyDown={({ key, currentTarget }) => key === 'Enter' && readPasted(currentTarget.value, items, onNode)}
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

/** Takes a text that is no label as an id; an empty text is the last node. */
function readPasted(text: string, items: readonly { label: string }[], onNode: (nodeId: string | null) => void): void {
  const id = text.trim();
  if (items.some(({ label }) => label === id)) return;
  onNode(id === '' ? null : id);
}
