/** Short messages that come and go, and are read aloud. A refusal stays until it is put away. */
import { signal } from '@preact/signals';
import { Refused } from '../api/client';
import { t, wordFrom } from '../messages';
import { en } from '../messages/en';
import { id } from '../messages/id';
import { said as saidByGateway } from '../messages/said';
import type { Tone } from './badge';
import { Button } from './button';
import { Icon } from './icon';

interface Toast {
  key: number;
  tone: Tone;
  text: string;
  action?: { label: string; run: () => void };
}

const toasts = signal<Toast[]>([]);
let count = 0;

const drop = (key: number) => {
  toasts.value = toasts.value.filter((toast) => toast.key !== key);
};

/** Shows a message; `ms` 0 keeps it until it is put away. */
export function say(
  text: string,
  tone: Tone = 'plain',
  { ms = 6000, action }: { ms?: number; action?: Toast['action'] } = {},
): () => void {
  count += 1;
  const key = count;
  const toast: Toast = action ? { key, tone, text, action } : { key, tone, text };
  toasts.value = [...toasts.value.slice(-3), toast];
  if (ms > 0) setTimeout(() => drop(key), ms);
  return () => drop(key);
}

const known = wordFrom({ id, en }, 'error');

/** A refusal in the reader's language, and what the gateway says of it. */
export function inWords(error: unknown): string {
  if (!(error instanceof Refused)) return String(error);
  const said = known(error.code);
  const detail = error.problem?.detail ?? '';
  const ours = said === error.code ? t('error.other') : said;
  return detail ? `${ours} ${saidByGateway(detail)}` : ours;
}

/** Shows a refusal. */
export function sayRefused(error: unknown): void {
  say(inWords(error), 'bad', { ms: 15000 });
}

/** Where they are shown: once, in the shell. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.key} class={`toast ${toast.tone}`}>
          <Icon name={toast.tone === 'bad' ? 'stop' : toast.tone === 'warn' ? 'warn' : 'info'} />
          <p>{toast.text}</p>
          {toast.action && (
            <Button
              onPress={() => {
                drop(toast.key);
                toast.action?.run();
              }}
            >
              {toast.action.label}
            </Button>
          )}
          <Button kind="quiet" icon="close" onPress={() => drop(toast.key)}>
            {t('action.close')}
          </Button>
        </div>
      ))}
    </div>
  );
}
