/** The gateway's time, in step with it whatever this machine's clock says; ticks once a second. */
import { signal } from '@preact/signals';
import { language } from './messages';

let ahead = 0;

/** The gateway's time in milliseconds; what is shown from it renews itself each second. */
export const now = signal(Date.now());

setInterval(() => {
  now.value = Date.now() + ahead;
}, 1000);

/** Tells when the gateway made an answer that has just come. */
export function heard(at: string): void {
  const theirs = Date.parse(at);
  // Less than a second is the way here: clocks that agree are left alone.
  if (!Number.isNaN(theirs) && Math.abs(theirs - Date.now() - ahead) > 1000) {
    ahead = theirs - Date.now();
    now.value = theirs;
  }
}

/** Whole seconds since a moment. */
export const secondsSince = (at: string | number) =>
  Math.max(0, Math.floor((now.value - (typeof at === 'number' ? at : Date.parse(at))) / 1000));

/** `4:05`, `1:00:09`. */
export function span(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A moment's time of day, on the wall of the centre. */
export const timeOfDay = (at: string | number) =>
  new Date(at).toLocaleTimeString(language.value, { hour: '2-digit', minute: '2-digit' });

/** Date and time. */
export const dateAndTime = (at: string | number) =>
  new Date(at).toLocaleString(language.value, { dateStyle: 'medium', timeStyle: 'short' });
