/** What callers hear: every prompt by language, a player for each, what is missing, and the way to put another one. */
import { useEffect, useState } from 'preact/hooks';
import { api, ask, Refused } from '../../api/client';
import type { components } from '../../api/schema';
import type { Problem } from '../../api/types';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { Field, SelectField, TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import { Table } from '../../components/table';
import { inWords, say } from '../../components/toast';
import { languageName, t } from '../../messages';
import { said } from '../../messages/said';
import { navigate } from '../../router';
import { eventWord, p } from './prompt_words';

type PromptList = components['schemas']['PromptList'];
type ShownPrompt = components['schemas']['ShownPrompt'];
type PromptUse = components['schemas']['PromptUse'];

/** Stands for no language in a path. */
const NO_LANGUAGE = '-';
const WHY = 200;

const path = (language: string, name: string) =>
  `/api/v1/prompts/${encodeURIComponent(language)}/${encodeURIComponent(name)}`;

const languageOf = (tag: string) => (tag === NO_LANGUAGE ? p('no_language') : languageName(tag));

const uses = (used: readonly PromptUse[]) =>
  used.map((one) => `${one.queue}: ${eventWord(one.event)}`).join(', ');

/** What is wrong with a change: at the file where the gateway says so, else at the reason or below. */
interface Wrong {
  file?: string | undefined;
  other?: string | undefined;
}

const wrongOf = (error: unknown): Wrong => {
  const file = error instanceof Refused ? error.field('file') : undefined;
  return file ? { file: said(file) } : { other: inWords(error) };
};

/** Sends a change; the body is the file itself. */
async function send(method: 'PUT' | 'DELETE', url: string, body?: File): Promise<void> {
  const headers: Record<string, string> = { 'x-siaga112': '1' };
  if (body) headers['content-type'] = 'application/octet-stream';
  const answer = await fetch(url, { method, headers, ...(body && { body }) }).catch(() => {
    throw new Refused(0, null);
  });
  if (answer.ok) return;
  throw new Refused(answer.status, (await answer.json().catch(() => null)) as Problem | null);
}

interface Asked {
  what: 'put' | 'remove';
  language: string;
  name: string;
  /** The file that it replaces. */
  base: string | null;
}

function Change(props: {
  asked: Asked;
  list: PromptList;
  onClose: () => void;
  onDone: () => void;
}) {
  const { asked, list, onClose, onDone } = props;
  const [language, setLanguage] = useState(asked.language);
  const [name, setName] = useState(asked.name);
  const [file, setFile] = useState<File | null>(null);
  const [why, setWhy] = useState('');
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<Wrong>({});
  const puts = asked.what === 'put';
  const known = asked.name !== '';
  const go = async () => {
    setTried(true);
    if (!name.trim() || !why.trim() || (puts && !file)) return;
    setBusy(true);
    setWrong({});
    const there = list.prompts.find(
      (one) => (one.language ?? NO_LANGUAGE) === language && one.name === name.trim(),
    );
    const base = asked.base ?? there?.sha256;
    const query = new URLSearchParams({ why: why.trim(), ...(base && { base }) });
    try {
      const url = `${path(language, name.trim())}?${query}`;
      await send(puts ? 'PUT' : 'DELETE', url, puts && file ? file : undefined);
      say(p(puts ? 'kept' : 'removed', { name: name.trim() }), 'good');
      onDone();
      onClose();
    } catch (error) {
      setWrong(wrongOf(error));
    } finally {
      setBusy(false);
    }
  };
  const title = puts ? (known ? p('replace') : p('add')) : p('remove');
  const megabytes = Math.floor(list.bytes_most / 1_000_000);
  return (
    <Dialog
      title={title}
      onClose={onClose}
      foot={
        <>
          <Button onPress={onClose}>{t('action.cancel')}</Button>
          <Button kind="primary" busy={busy} onPress={go}>
            {puts ? p('apply') : p('remove')}
          </Button>
        </>
      }
    >
      {known ? (
        <p>
          <strong>{name}</strong> ({languageOf(language)})
        </p>
      ) : (
        <>
          <SelectField
            label={p('language')}
            value={language}
            onInput={setLanguage}
            choices={[...list.languages, NO_LANGUAGE].map((value) => ({
              value,
              label: languageOf(value),
            }))}
          />
          <TextField
            label={p('name')}
            hint={p('name_hint')}
            value={name}
            onInput={setName}
            error={tried && !name.trim() ? t('session.empty') : undefined}
          />
        </>
      )}
      {puts && (
        <Field
          label={p('file')}
          hint={p('file_hint', { n: megabytes, s: list.one_seconds_most })}
          error={tried && !file ? t('session.empty') : wrong.file}
        >
          {(given) => (
            <input
              {...given}
              type="file"
              accept=".wav,.opus,.ogg,.mp3,audio/*"
              onChange={(event) => {
                setFile(event.currentTarget.files?.[0] ?? null);
                setWrong({});
              }}
            />
          )}
        </Field>
      )}
      <TextField
        label={p('why')}
        value={why}
        onInput={(text) => setWhy(text.slice(0, WHY))}
        error={tried && !why.trim() ? p('why_needed') : undefined}
      />
      <p class="muted">{p('versions')}</p>
      <div role="alert">
        {wrong.other && (
          <p class="error">
            <Icon name="stop" /> {wrong.other}
          </p>
        )}
      </div>
    </Dialog>
  );
}

function State({ of }: { of: ShownPrompt }) {
  if (of.wrong) {
    return (
      <>
        <Badge tone="bad">{p('wrong')}</Badge> {said(of.wrong)}
      </>
    );
  }
  if (of.doubt) return <Badge tone="warn">{p(of.doubt === 'silent' ? 'silent' : 'clipped')}</Badge>;
  return <Badge tone="good">{p('plays')}</Badge>;
}

export function Prompts() {
  const [list, setList] = useState<PromptList | null>(null);
  const [wrong, setWrong] = useState<string>();
  const [asked, setAsked] = useState<Asked | null>(null);
  const load = () =>
    ask(api.GET('/api/v1/prompts')).then(setList, (error) => setWrong(inWords(error)));
  useEffect(() => {
    load();
  }, []);
  if (wrong) return <p class="error">{wrong}</p>;
  if (!list) return <p>{t('app.loading')}</p>;
  const languages = [
    ...new Set([
      ...list.languages,
      ...list.prompts.map((one) => one.language ?? NO_LANGUAGE),
      ...list.missing.map((one) => one.language ?? NO_LANGUAGE),
    ]),
  ];
  return (
    <>
      <div class="row spread">
        <p>{p('total', { s: Math.round(list.seconds), most: list.seconds_most })}</p>
        <span class="row">
          <Button
            icon="speaker"
            onPress={() =>
              setAsked({
                what: 'put',
                language: list.languages[0] ?? NO_LANGUAGE,
                name: '',
                base: null,
              })
            }
          >
            {p('add')}
          </Button>
          <Button kind="quiet" onPress={() => navigate('/admin/versions')}>
            {p('to_versions')}
          </Button>
        </span>
      </div>
      {languages.map((language) => {
        const missing = list.missing.filter((one) => (one.language ?? NO_LANGUAGE) === language);
        return (
          <div class="card" key={language}>
            <h2>{languageOf(language)}</h2>
            {missing.length > 0 && (
              <ul class="list">
                {missing.map((one) => (
                  <li key={one.name} class="row">
                    <Badge tone="warn">{p('missing')}</Badge>
                    <span class="list-main">
                      <strong>{one.name}</strong> <span class="muted">{uses(one.used)}</span>
                    </span>
                    <Button
                      label={`${p('upload')}: ${one.name} (${languageOf(language)})`}
                      onPress={() =>
                        setAsked({ what: 'put', language, name: one.name, base: null })
                      }
                    >
                      {p('upload')}
                    </Button>
                  </li>
                ))}
              </ul>
            )}
            <Table
              caption={languageOf(language)}
              quietCaption
              rows={list.prompts.filter((one) => (one.language ?? NO_LANGUAGE) === language)}
              rowKey={(row) => row.file}
              columns={[
                { name: p('name'), cell: (row) => <strong>{row.name}</strong> },
                {
                  name: p('play'),
                  cell: (row) =>
                    row.wrong ? (
                      '–'
                    ) : (
                      // biome-ignore lint/a11y/useMediaCaption: what is said is what it is called.
                      <audio
                        controls
                        preload="none"
                        aria-label={`${p('play')}: ${row.name} (${languageOf(language)})`}
                        src={`${path(language, row.name)}/audio?of=${row.sha256.slice(0, 12)}`}
                      />
                    ),
                },
                {
                  name: p('seconds'),
                  number: true,
                  cell: (row) => (row.seconds == null ? '–' : row.seconds.toFixed(1)),
                },
                { name: p('codec'), cell: (row) => row.codec ?? '–' },
                { name: p('state'), cell: (row) => <State of={row} /> },
                {
                  name: p('used'),
                  cell: (row) => (row.used.length > 0 ? uses(row.used) : p('unused')),
                },
                {
                  name: p('change'),
                  cell: (row) => (
                    <span class="row">
                      <Button
                        label={`${p('replace')}: ${row.name} (${languageOf(language)})`}
                        onPress={() =>
                          setAsked({ what: 'put', language, name: row.name, base: row.sha256 })
                        }
                      >
                        {p('replace')}
                      </Button>
                      <Button
                        kind="quiet"
                        label={`${p('remove')}: ${row.name} (${languageOf(language)})`}
                        onPress={() =>
                          setAsked({ what: 'remove', language, name: row.name, base: row.sha256 })
                        }
                      >
                        {p('remove')}
                      </Button>
                    </span>
                  ),
                },
              ]}
            />
          </div>
        );
      })}
      {asked && <Change asked={asked} list={list} onClose={() => setAsked(null)} onDone={load} />}
    </>
  );
}
