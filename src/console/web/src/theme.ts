/** Dark or light. */
import { effect } from '@preact/signals';
import { setting } from './kept';

export const THEMES = ['dark', 'light'] as const;
const light = matchMedia('(prefers-color-scheme: light)').matches;
export const theme = setting('theme', THEMES, light ? 'light' : 'dark');

effect(() => {
  document.documentElement.dataset['theme'] = theme.value;
});
