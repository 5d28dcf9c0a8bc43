/** A button: at least 44 pixels each way, its keyboard shortcut written on it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { shortcut, shown as shownKey } from '../shortcuts';
import { Icon, type IconName } from './icon';

interface Props {
  /** What pressing it does. */
  onPress: () => void;
  children: ComponentChildren;
  kind?: 'plain' | 'primary' | 'go' | 'danger' | 'quiet';
  size?: 'usual' | 'large';
  icon?: IconName;
  /** A key as `shortcuts.ts` writes it: `F2`, `h`, `Shift+x`. */
  keys?: string;
  disabled?: boolean;
  /** Something is under way: it does nothing, and says so to screen readers. */
  busy?: boolean;
  /** For buttons that are on or off. */
  pressed?: boolean;
  /** Where the words on it do not say enough. */
  label?: string;
  type?: 'button' | 'submit';
  describedBy?: string;
}

export function Button(props: Props) {
  const { kind = 'plain', size = 'usual', type = 'button', keys, busy = false } = props;
  const off = Boolean(props.disabled) || busy;
  const press = useRef(props.onPress);
  press.current = props.onPress;
  useEffect(() => {
    if (!keys || off) return;
    return shortcut(keys, () => press.current());
  }, [keys, off]);
  return (
    <button
      type={type}
      class={`button ${kind} ${size}`}
      disabled={Boolean(props.disabled)}
      aria-busy={busy}
      aria-pressed={props.pressed}
      aria-label={props.label}
      aria-describedby={props.describedBy}
      aria-keyshortcuts={keys}
      onClick={type === 'button' ? () => !off && props.onPress() : undefined}
    >
      {props.icon && <Icon name={props.icon} />}
      <span>{props.children}</span>
      {keys && (
        <span class="key" aria-hidden="true">
          {shownKey(keys)}
        </span>
      )}
    </button>
  );
}
