/** One's own account: another password, and the second factor. Keys and codes are shown once and kept nowhere. */
import { useMemo, useState } from 'preact/hooks';
import { encode } from 'uqr';
import { api, ask, Refused } from './api/client';
import { Badge } from './components/badge';
import { Button } from './components/button';
import { TextField } from './components/field';
import { say, sayRefused } from './components/toast';
import { t } from './messages';
import { me, whoAmI } from './session';
import { whyNot } from './sign_in';

const SHORTEST = 10;

export function PasswordChange() {
  const [old, setOld] = useState('');
  const [fresh, setFresh] = useState('');
  const [wrongOld, setWrongOld] = useState<string | undefined>();
  const [wrongNew, setWrongNew] = useState<string | undefined>();
  const submit = async (event: Event) => {
    event.preventDefault();
    setWrongOld(old ? undefined : t('session.empty'));
    setWrongNew([...fresh].length < SHORTEST ? t('account.short') : undefined);
    if (!old || [...fresh].length < SHORTEST) return;
    try {
      await ask(api.PUT('/api/v1/me/password', { body: { old, new: fresh } }));
      setOld('');
      setFresh('');
      say(t('account.changed'), 'good');
    } catch (error) {
      if (error instanceof Refused && error.status === 400) setWrongNew(t('account.guessed'));
      else setWrongOld(whyNot(error));
    }
  };
  return (
    <form class="sign-in" onSubmit={submit} noValidate>
      <h3>{t('account.password')}</h3>
      <TextField
        label={t('account.old')}
        type="password"
        autocomplete="current-password"
        value={old}
        onInput={setOld}
        error={wrongOld}
      />
      <TextField
        label={t('account.new')}
        hint={t('account.new_hint')}
        type="password"
        autocomplete="new-password"
        value={fresh}
        onInput={setFresh}
        error={wrongNew}
      />
      <Button type="submit" onPress={() => {}}>
        {t('action.save')}
      </Button>
    </form>
  );
}

/** A QR code as squares of one path. */
function Picture({ of }: { of: string }) {
  const { size, data } = useMemo(() => encode(of, { border: 2 }), [of]);
  const squares = data.flatMap((row, y) => row.map((on, x) => (on ? `M${x} ${y}h1v1h-1z` : '')));
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t('second.picture')}>
      <rect class="qr-ground" width={size} height={size} />
      <path class="qr-ink" d={squares.join('')} />
    </svg>
  );
}

type Step =
  | { at: 'ask' }
  | { at: 'scan'; key: string; uri: string }
  | { at: 'codes'; codes: string[] };

export function SecondFactorSetup() {
  const [step, setStep] = useState<Step>({ at: 'ask' });
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [wrong, setWrong] = useState<string | undefined>();
  const second = me.value?.second_factor;
  const begin = async (event: Event) => {
    event.preventDefault();
    if (!password) {
      setWrong(t('session.empty'));
      return;
    }
    try {
      const begun = await ask(api.POST('/api/v1/me/second-factor', { body: { password } }));
      setWrong(undefined);
      setStep({ at: 'scan', ...begun });
    } catch (error) {
      setWrong(whyNot(error));
    } finally {
      setPassword('');
    }
  };
  const confirm = async (event: Event) => {
    event.preventDefault();
    try {
      const body = { code: code.trim() };
      const told = await ask(api.POST('/api/v1/me/second-factor/confirm', { body }));
      setStep({ at: 'codes', codes: told.recovery_codes });
    } catch (error) {
      setWrong(
        error instanceof Refused && error.status === 401 ? t('session.wrong_code') : whyNot(error),
      );
    } finally {
      setCode('');
    }
  };
  if (step.at === 'codes') {
    return (
      <div class="sign-in">
        <h3>{t('second.title')}</h3>
        <p class="band warn">{t('second.codes')}</p>
        <ul class="codes">
          {step.codes.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
        <Button
          kind="primary"
          onPress={() => {
            setStep({ at: 'ask' });
            whoAmI().catch(sayRefused);
          }}
        >
          {t('second.kept')}
        </Button>
      </div>
    );
  }
  if (step.at === 'scan') {
    return (
      <form class="sign-in" onSubmit={confirm} noValidate>
        <h3>{t('second.title')}</h3>
        <p>{t('second.scan')}</p>
        <Picture of={step.uri} />
        <p class="codes">{step.key}</p>
        <TextField
          label={t('session.code')}
          inputMode="numeric"
          autocomplete="one-time-code"
          autofocus
          value={code}
          error={wrong}
          onInput={(typed) => {
            setCode(typed);
            setWrong(undefined);
          }}
        />
        <Button type="submit" kind="primary" onPress={() => {}}>
          {t('second.confirm')}
        </Button>
      </form>
    );
  }
  return (
    <form class="sign-in" onSubmit={begin} noValidate>
      <h3>{t('second.title')}</h3>
      {me.value?.second_factor_missing && <p class="band warn">{t('second.needed')}</p>}
      {second?.there && <Badge tone="good">{t('second.there', { n: second.recovery_left })}</Badge>}
      <TextField
        label={t('session.password')}
        type="password"
        autocomplete="current-password"
        value={password}
        error={wrong}
        onInput={(typed) => {
          setPassword(typed);
          setWrong(undefined);
        }}
      />
      <Button type="submit" onPress={() => {}}>
        {second?.there ? t('second.anew') : t('second.begin')}
      </Button>
    </form>
  );
}
