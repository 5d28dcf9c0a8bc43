/**
 * Who sits here: signing in and out. The session itself is a cookie that no script can read; a
 * password lives only in the field where it is typed.
 */
import { signal } from '@preact/signals';
import { api, ask, Refused, whenSessionIsOver } from './api/client';
import type { Me } from './api/types';

/** Who signed in; null: nobody; undefined: not asked yet. */
export const me = signal<Me | null | undefined>(undefined);

/** Somebody has to sign in again, and what the page holds stays meanwhile. */
export const expired = signal(false);

whenSessionIsOver(() => {
  // Not the first question: then nobody was here, and there is nothing to keep.
  if (me.value) expired.value = true;
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

/** Opens a session. */
export async function signIn(name: string, password: string): Promise<void> {
  await ask(api.POST('/api/v1/login', { body: { name, password } }));
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
