/** The cover of an idle page: hides what is on it, keeps the call, and asks for the password again. */
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Button } from './components/button';
import { TextField } from './components/field';
import { Icon } from './components/icon';
import { t } from './messages';
import { lock, me, signOut, unlock } from './session';
import { whyNot } from './sign_in';

/** Whoever uses the page without touching it, such as in a call, keeps it open. */
export const inUse = signal(0);

/** Covers the page after the minutes that the centre has set. */
export function useIdleLock(): void {
  const minutes = me.value?.site.lock_minutes ?? 0;
  const locked = me.value?.locked ?? false;
  useEffect(() => {
    if (minutes === 0 || locked) return;
    let touched = Date.now();
    const touch = () => {
      touched = Date.now();
    };
    const events = ['pointerdown', 'pointermove', 'keydown', 'wheel'] as const;
    for (const event of events) addEventListener(event, touch, { passive: true });
    const timer = window.setInterval(() => {
      if (inUse.peek() > 0) touch();
      else if (Date.now() - touched > minutes * 60_000) lock();
    }, 5000);
    return () => {
      window.clearInterval(timer);
      for (const event of events) removeEventListener(event, touch);
    };
  }, [minutes, locked]);
}

export function Cover() {
  const [password, setPassword] = useState('');
  const [wrong, setWrong] = useState<string | undefined>();
  const [busy, setBusy] = useState(false);
  const cover = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    cover.current?.showModal();
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!password) {
      setWrong(t('session.empty'));
      return;
    }
    setBusy(true);
    try {
      await unlock(password);
    } catch (error) {
      setWrong(whyNot(error));
    } finally {
      setPassword('');
      setBusy(false);
    }
  };
  const name = me.value?.full_name || me.value?.name || '';
  return (
    <dialog
      class="cover"
      ref={cover}
      aria-labelledby="cover-title"
      onCancel={(event) => event.preventDefault()}
    >
      <form class="entrance" onSubmit={submit} noValidate>
        <h1 id="cover-title">
          <Icon name="lock" /> {t('session.locked')}
        </h1>
        <p>{t('session.locked_detail', { name })}</p>
        <TextField
          label={t('session.password')}
          type="password"
          name="password"
          autocomplete="current-password"
          autofocus
          value={password}
          error={wrong}
          onInput={(typed) => {
            setPassword(typed);
            setWrong(undefined);
          }}
        />
        <Button type="submit" kind="primary" size="large" busy={busy} onPress={() => {}}>
          {t('session.unlock')}
        </Button>
        <Button kind="quiet" onPress={() => signOut().catch(() => {})}>
          {t('session.other_person')}
        </Button>
      </form>
    </dialog>
  );
}
