/** What is open at this desk. Apart from `seat.ts`, so that a page without a phone can ask. */
import { signal } from '@preact/signals';
import type { CallPage } from '../../api/types';

/** My call with everything that is known; null until it is read. */
export const callPage = signal<CallPage | null>(null);

/** The incident whose form is open: that of the call that I took last, or one that I chose. */
export const opened = signal<string | null>(sessionStorage.getItem('siaga112.opened'));

export function open(incident: string | null): void {
  opened.value = incident;
  if (incident) sessionStorage.setItem('siaga112.opened', incident);
  else sessionStorage.removeItem('siaga112.opened');
}
