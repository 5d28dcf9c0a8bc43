/**
 * Who sits here: signing in and out. The session itself is a cookie that no script can read; a
 * password lives only in the field where it is typed.
 */
import { signal } from '@preact/signals';
import { api, ask, Refused, whenLocked, whenSessionIsOver } from './api/client';
import type { Me } from './api/types';

/** Who signed in; null: nobody; undefined: not asked yet. */
export const me = signal<Me | null | undefined>(undefined);

/** Somebody has to sign in again, and what the page holds stays meanwhile. */
export const expired = signal(false);

whenSessionIsOver(() => {
  // Not the first question: then nobody was here, and there is nothing to keep.
  if (me.value) expired.value = true;
});

whenLocked(() => {
  if (me.value && !me.value.locked) me.value = { ...me.value, locked: true };
});

/** Asks who sits here. */
export async function whoAmI(): Promise<void> {
  try {
    me.value = await ask(api.GET('/api/v1/me'));
    expired.value = false;
  } catch (error) {
    if (error instanceof Refused && error.status === 401) {
      if (me.value === undefined) me.value = null;
    } else throw error;
  }
}

/** Opens a session; with a one-time code where the person has a second factor. */
export async function signIn(name: string, password: string, code?: string): Promise<void> {
  const body = code ? { name, password, code } : { name, password };
  await ask(api.POST('/api/v1/login', { body }));
  await whoAmI();
}

/** Covers the page: nothing is shown and nothing answered before the password. Calls go on. */
export async function lock(): Promise<void> {
  if (me.value) me.value = { ...me.value, locked: true };
  // A gateway that is away has nothing to show either: the page stays covered.
  await ask(api.POST('/api/v1/me/lock')).catch(() => {});
}

/** Uncovers it. */
export async function unlock(password: string): Promise<void> {
  await ask(api.POST('/api/v1/me/unlock', { body: { password } }));
  await whoAmI();
}

/** Ends it. */
export async function signOut(): Promise<void> {
  try {
    await ask(api.POST('/api/v1/logout'));
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
  }
  expired.value = false;
  me.value = null;
}
