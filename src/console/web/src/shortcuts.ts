/**
 * Keys that press buttons. Letters do nothing while somebody types, or when they are switched off;
 * function keys type nothing and always work.
 */
import { setting } from './kept';

/** Whether letters press buttons (WCAG 2.1.4: they can be switched off). */
export const letters = setting('letters', ['on', 'off'] as const, 'on');

type Press = () => void;
const held = new Map<string, Press[]>();

/** `F2`, `h`, `Shift+x` for `press`; the newest wins. Returns what lets go of it. */
export function shortcut(keys: string, press: Press): () => void {
  const stack = held.get(keys) ?? [];
  held.set(keys, [...stack, press]);
  return () => {
    const left = (held.get(keys) ?? []).filter((other) => other !== press);
    if (left.length > 0) held.set(keys, left);
    else held.delete(keys);
  };
}

/** As it is written on a button. */
export const shown = (keys: string) =>
  letters.value === 'off' && !isFunctionKey(keys)
    ? ''
    : keys.replace('Shift+', '⇧').replace(/[a-z]$/, (key) => key.toUpperCase());

const isFunctionKey = (keys: string) => /F\d+$/.test(keys);

const types = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && !['checkbox', 'radio', 'button'].includes(target.type)));

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const keys = `${event.shiftKey ? 'Shift+' : ''}${key}`;
  if (!isFunctionKey(keys) && (types(event.target) || letters.value === 'off')) return;
  // What is behind a dialog cannot be pressed by its key either.
  const dialog = document.querySelector('dialog:modal');
  if (dialog && !isFunctionKey(keys)) return;
  const press = held.get(keys)?.at(-1);
  if (!press) return;
  event.preventDefault();
  press();
});
