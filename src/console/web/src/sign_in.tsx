/** The way in. Also over the page when a session has run out: what was typed stays behind it. */
import { useState } from 'preact/hooks';
import { Refused } from './api/client';
import { Button } from './components/button';
import { TextField } from './components/field';
import { Icon } from './components/icon';
import { t } from './messages';
import { said } from './messages/said';
import { signIn } from './session';

/** What is wrong with a try, in the reader's language. */
export function whyNot(error: unknown): string {
  if (!(error instanceof Refused)) return String(error);
  if (error.status === 0) return t('session.away');
  if (error.status === 429) return t('session.wait', { n: error.retryAfter ?? 30 });
  if (error.code === 'code-wrong') return t('session.wrong_code');
  if (error.status === 401) return t('session.wrong');
  return error.problem ? said(error.problem.detail) : t('error.other');
}

export function SignIn({ fixedName }: { fixedName?: string }) {
  const [name, setName] = useState(fixedName ?? '');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [asksCode, setAsksCode] = useState(false);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const empty = (value: string) => (tried && !value ? t('session.empty') : undefined);
  const submit = async (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (!name || !password || (asksCode && !code) || busy) return;
    setBusy(true);
    setWrong(null);
    try {
      await signIn(name.trim(), password, asksCode ? code.trim() : undefined);
    } catch (error) {
      setTried(false);
      setCode('');
      const wanted = error instanceof Refused ? error.code : '';
      if (wanted === 'code-needed' || wanted === 'code-wrong') setAsksCode(true);
      else setPassword('');
      if (wanted !== 'code-needed') setWrong(whyNot(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="sign-in" onSubmit={submit} noValidate>
      <TextField
        label={t('session.name')}
        name="username"
        autocomplete="username"
        autofocus={!fixedName}
        disabled={Boolean(fixedName)}
        value={name}
        onInput={setName}
        error={empty(name)}
      />
      <TextField
        label={t('session.password')}
        type="password"
        name="password"
        autocomplete="current-password"
        autofocus={Boolean(fixedName)}
        value={password}
        onInput={setPassword}
        error={empty(password)}
      />
      {asksCode && (
        <TextField
          label={t('session.code')}
          hint={t('session.code_hint')}
          name="one-time-code"
          autocomplete="one-time-code"
          inputMode="numeric"
          autofocus
          value={code}
          onInput={setCode}
          error={empty(code)}
        />
      )}
      <div role="alert">
        {wrong && (
          <p class="error">
            <Icon name="stop" /> {wrong}
          </p>
        )}
      </div>
      <Button type="submit" kind="primary" size="large" busy={busy} onPress={() => {}}>
        {t('session.sign_in')}
      </Button>
    </form>
  );
}
