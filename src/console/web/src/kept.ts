/** Small settings that this browser keeps. A browser that keeps nothing still works. */
import { effect, signal } from '@preact/signals';

const at = (key: string) => `siaga112.${key}`;

export function read(key: string): string | null {
  try {
    return localStorage.getItem(at(key));
  } catch {
    return null;
  }
}

export function write(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(at(key));
    else localStorage.setItem(at(key), value);
  } catch {
    // Full, or forbidden: then it counts until the page is closed.
  }
}

/** A setting with a choice of words, kept under `key`. */
export function setting<T extends string>(key: string, choices: readonly T[], otherwise: T) {
  const kept = read(key);
  const found = choices.find((choice) => choice === kept) ?? otherwise;
  const held = signal<T>(found);
  effect(() => write(key, held.value));
  // Another page of this browser has changed it.
  addEventListener('storage', (event) => {
    const told = choices.find((choice) => choice === event.newValue);
    if (event.key === at(key) && told) held.value = told;
  });
  return held;
}
