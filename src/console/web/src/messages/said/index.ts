/**
 * What the gateway says, in the reader's language: findings about a configuration, refusals, deeds of the audit. It
 * speaks English; every sentence that stands in its source has its Indonesian here, which `tests/said.rs` holds.
 */
import { effect, signal } from '@preact/signals';
import { language } from '..';
import { sayer } from './forms';

const indonesian = signal<((said: string) => string) | null>(null);

// It is large and seldom needed at once: it comes beside the page.
effect(() => {
  if (language.value !== 'id' || indonesian.peek()) return;
  import('./indonesian')
    .then(({ catalogue, words }) => {
      indonesian.value = sayer(catalogue, words);
    })
    // Without it sentences stand as they were said.
    .catch(() => {});
});

/** A sentence of the gateway, as its reader says it. */
export function said(sentence: string): string {
  return language.value === 'id' ? (indonesian.value?.(sentence) ?? sentence) : sentence;
}
