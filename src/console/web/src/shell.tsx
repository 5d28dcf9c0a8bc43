/** What stands around every page: who sits here, where one can go, whether the gateway is heard. */
import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { PasswordChange, SecondFactorSetup } from './account';
import { stale } from './build';
import { timeOfDay } from './clock';
import { Badge } from './components/badge';
import { Button } from './components/button';
import { Dialog } from './components/dialog';
import { Icon } from './components/icon';
import { Link } from './components/link';
import { sayRefused, Toasts } from './components/toast';
import { heardAt, link, sees } from './live/store';
import { Cover, useIdleLock } from './lock';
import { LANGUAGES, language, t } from './messages';
import { Leaving, leave } from './pages/taker/leave';
import { LeftForms } from './pages/taker/left';
import { navigate, section } from './router';
import { expired, lock, me, signOut, whoAmI } from './session';
import { letters } from './shortcuts';
import { SignIn } from './sign_in';
import { THEMES, theme } from './theme';

interface Page {
  at: 'taker' | 'supervisor' | 'records' | 'admin' | 'auditor';
  roles: string[];
  load: () => Promise<{ default: ComponentType }>;
}

/** The pages, and whose they are. The gateway decides what is answered there; this only hides. */
const PAGES: Page[] = [
  { at: 'taker', roles: ['call-taker', 'supervisor'], load: () => import('./pages/taker') },
  {
    at: 'supervisor',
    roles: ['supervisor', 'dispatcher', 'admin'],
    load: () => import('./pages/supervisor'),
  },
  {
    at: 'records',
    roles: ['supervisor', 'dispatcher', 'admin', 'auditor'],
    load: () => import('./pages/records'),
  },
  { at: 'admin', roles: ['admin'], load: () => import('./pages/admin') },
  { at: 'auditor', roles: ['auditor', 'admin'], load: () => import('./pages/auditor') },
];

/** Where a role begins. */
const HOME: Record<string, Page['at']> = {
  'call-taker': 'taker',
  supervisor: 'supervisor',
  dispatcher: 'supervisor',
  admin: 'admin',
  auditor: 'auditor',
};

const settingsOpen = signal(false);
const accountOpen = signal(false);

function Account() {
  return (
    <Dialog
      title={t('account.title')}
      onClose={() => {
        accountOpen.value = false;
      }}
    >
      <PasswordChange />
      <SecondFactorSetup />
    </Dialog>
  );
}

function Choice(props: {
  label: string;
  name: string;
  choices: { value: string; label: string }[];
  chosen: string;
  onChoose: (value: string) => void;
}) {
  return (
    <fieldset class="choice">
      <legend>{props.label}</legend>
      {props.choices.map(({ value, label }) => (
        <label key={value}>
          <input
            type="radio"
            name={props.name}
            checked={props.chosen === value}
            onInput={() => props.onChoose(value)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

function LanguageChoice() {
  return (
    <Choice
      label={t('language.label')}
      name="language"
      choices={LANGUAGES.map((value) => ({ value, label: t(`language.${value}`) }))}
      chosen={language.value}
      onChoose={(value) => {
        language.value = value === 'en' ? 'en' : 'id';
      }}
    />
  );
}

function ThemeChoice() {
  return (
    <Choice
      label={t('theme.label')}
      name="theme"
      choices={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))}
      chosen={theme.value}
      onChoose={(value) => {
        theme.value = value === 'light' ? 'light' : 'dark';
      }}
    />
  );
}

function Settings() {
  return (
    <Dialog
      title={t('settings.title')}
      onClose={() => {
        settingsOpen.value = false;
      }}
    >
      <LanguageChoice />
      <ThemeChoice />
      <Choice
        label={t('letters.label')}
        name="letters"
        choices={[
          { value: 'on', label: t('letters.on') },
          { value: 'off', label: t('letters.off') },
        ]}
        chosen={letters.value}
        onChoose={(value) => {
          letters.value = value === 'off' ? 'off' : 'on';
        }}
      />
    </Dialog>
  );
}

function LinkState() {
  // Who is told nothing is connected to nothing.
  if (!sees.value) return null;
  const tone = { live: 'good', polling: 'good', lost: 'bad' } as const;
  return (
    <div role="status">
      <Badge tone={tone[link.value]}>{t(`link.${link.value}`)}</Badge>
    </div>
  );
}

function Head({ pages }: { pages: Page[] }) {
  const who = me.value;
  if (!who) return null;
  const role = who.role_names[language.value === 'id' ? 0 : 1] ?? who.role;
  return (
    <header class="head">
      <span class="brand">
        <span class="brand-mark" aria-hidden="true">
          112
        </span>
        {who.site.centre || t('app.name')}
      </span>
      {pages.length > 1 && (
        <nav aria-label={t('nav.main')}>
          {pages.map((page) => (
            <Link key={page.at} to={`/${page.at}`}>
              {t(`nav.${page.at}`)}
            </Link>
          ))}
        </nav>
      )}
      <div class="head-end">
        <LinkState />
        {who.session ? (
          <Button
            kind="quiet"
            icon="people"
            onPress={() => {
              accountOpen.value = true;
            }}
          >
            {t('session.role_here', { name: who.full_name || who.name, role })}
          </Button>
        ) : (
          <span>{t('session.role_here', { name: who.name, role })}</span>
        )}
        <Button
          kind="quiet"
          icon="gear"
          onPress={() => {
            settingsOpen.value = true;
          }}
        >
          {t('settings.title')}
        </Button>
        {who.session && (
          <Button kind="quiet" icon="lock" onPress={lock}>
            {t('session.lock')}
          </Button>
        )}
        <Button kind="quiet" onPress={() => leave().catch(sayRefused)}>
          {t('session.sign_out')}
        </Button>
      </div>
    </header>
  );
}

function Entrance() {
  return (
    <main class="entrance" id="content">
      <h1>
        <span class="brand-mark" aria-hidden="true">
          112
        </span>
        {t('app.name')}
      </h1>
      <SignIn />
      <div class="entrance-foot">
        <LanguageChoice />
        <ThemeChoice />
      </div>
    </main>
  );
}

function Loaded({ page }: { page: Page }) {
  const [loaded, setLoaded] = useState<{ at: string; page: ComponentType } | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let left = false;
    setFailed(false);
    page
      .load()
      .then((module) => left || setLoaded({ at: page.at, page: module.default }))
      .catch(() => left || setFailed(true));
    return () => {
      left = true;
    };
  }, [page]);
  if (failed) {
    return <Button onPress={() => location.reload()}>{t('app.reload')}</Button>;
  }
  if (loaded?.at !== page.at) return <p>{t('app.loading')}</p>;
  const Whole = loaded.page;
  return <Whole />;
}

export function Shell() {
  useEffect(() => {
    const look = () =>
      whoAmI().catch(() => {
        setTimeout(look, 2000);
      });
    look();
  }, []);
  useIdleLock();
  if (me.value === undefined) return <p class="entrance">{t('app.loading')}</p>;
  if (me.value === null) return <Entrance />;
  if (me.value.second_factor_missing) {
    return (
      <main class="entrance" id="content">
        <h1>{t('app.name')}</h1>
        <SecondFactorSetup />
        <Button kind="quiet" onPress={() => signOut().catch(sayRefused)}>
          {t('session.sign_out')}
        </Button>
        <Toasts />
      </main>
    );
  }
  const { role, name, locked } = me.value;
  const pages = PAGES.filter((page) => page.roles.includes(role));
  const here = pages.find((page) => page.at === section.value);
  const home = HOME[role];
  if (section.value === '' && home) queueMicrotask(() => navigate(`/${home}`, true));
  return (
    <>
      <a class="skip" href="#content">
        {t('app.skip')}
      </a>
      <Head pages={pages} />
      {link.value === 'lost' && heardAt.value && (
        <p class="band bad" role="alert">
          <Icon name="warn" /> {t('link.lost_detail', { time: timeOfDay(heardAt.value) })}
        </p>
      )}
      {stale.value && (
        <p class="band warn" role="status">
          <Icon name="info" /> {t('app.stale')}
        </p>
      )}
      <LeftForms />
      <main id="content" tabIndex={-1}>
        {here ? (
          <Loaded page={here} />
        ) : (
          <p>{section.value === '' ? t('app.loading') : t('app.not_found')}</p>
        )}
      </main>
      {settingsOpen.value && <Settings />}
      {accountOpen.value && <Account />}
      <Leaving />
      {locked && <Cover />}
      {expired.value && (
        <Dialog title={t('session.sign_in')} onClose={() => signOut().catch(sayRefused)}>
          <SignIn fixedName={name} />
        </Dialog>
      )}
      <Toasts />
    </>
  );
}
