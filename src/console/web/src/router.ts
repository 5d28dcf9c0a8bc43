/** Where the page is: the path of the address bar, as a signal. */
import { computed, signal } from '@preact/signals';

/** The path, `/admin/routing`. */
export const path = signal(location.pathname);
/** The first part of the path, `admin`; empty at the root. */
export const section = computed(() => path.value.split('/')[1] ?? '');
/** The rest of it, `routing`. */
export const rest = computed(() => path.value.split('/').slice(2).join('/'));

addEventListener('popstate', () => {
  path.value = location.pathname;
});

/** Goes to a path of ours. */
export function navigate(to: string, replace = false): void {
  if (to === location.pathname) return;
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  path.value = location.pathname;
}
