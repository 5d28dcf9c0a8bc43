/** Finding records: by number, time, place, kind and words, with the reason that the access log keeps. */
import { signal } from '@preact/signals';
import { useId, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { IncidentSummary } from '../../api/types';
import { dateAndTime, now } from '../../clock';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { SelectField, TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import { type Column, Table } from '../../components/table';
import { disposition, outcomeName, t } from '../../messages';
import { navigate } from '../../router';
import { usePages } from '../auditor/pages';
import { choices } from '../taker/choices';
import { either } from '../taker/words';
import { may } from './may';
import { NewRecord } from './new_record';
import { r, recordState } from './words';

export const REASON_LEAST = 4;
const ROWS = 50;

interface Asked {
  since: string;
  until: string;
  number: string;
  place: string;
  category: string;
  disposition: string;
  words: string;
  reason: string;
}

const day = (at: number) => new Date(at).toLocaleDateString('sv');
const empty = (): Asked => ({
  since: day(now.peek()),
  until: day(now.peek()),
  number: '',
  place: '',
  category: '',
  disposition: '',
  words: '',
  reason: '',
});

/** What is typed, and what was asked last: both stay while a record is read. */
const typed = signal<Asked>(empty());
const asked = signal<Asked | null>(null);

/** Puts a number into the search: the reason is still to be typed. */
export function searchNumber(number: string): void {
  typed.value = { ...empty(), since: '', until: '', number };
  asked.value = null;
  navigate('/records');
}

/** The day behind a date: people name the last day, the gateway the first that is not meant. */
function dayAfter(date: string): string {
  const [year, month, of] = date.split('-').map(Number);
  return new Date(year ?? 0, (month ?? 1) - 1, (of ?? 1) + 1).toLocaleDateString('sv');
}

/** The code of a kecamatan that was typed by its name; else what was typed, which may be a village. */
function placeOf(words: string): string {
  const same = words.trim().toLowerCase();
  const known = choices.peek()?.kecamatan.find((one) => one.name.toLowerCase() === same);
  return known?.code ?? words.trim();
}

const read = async (query: Asked, before: string | undefined) => {
  const given = {
    since: query.since,
    until: query.until && dayAfter(query.until),
    number: query.number.trim(),
    place: placeOf(query.place),
    category: query.category,
    disposition: query.disposition,
    words: query.words.trim(),
  };
  const filled = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
  const told = await ask(
    api.GET('/api/v1/incidents', {
      params: { query: { ...filled, limit: ROWS, ...(before ? { before } : {}) } },
      headers: { 'siaga112-reason': encodeURIComponent(query.reason.trim()) },
    }),
  );
  return { rows: told.incidents, next: told.next };
};

export const categoryName = (code: string | null | undefined): string => {
  const known = choices.value?.categories.find((one) => one.code === code);
  return known ? either(known.name, known.name_en) : (code ?? '');
};
export const kecamatanName = (code: string | null | undefined): string =>
  choices.value?.kecamatan.find((one) => one.code === code)?.name ?? code ?? '';

const short = (text: string) => (text.length > 80 ? `${text.slice(0, 80)} …` : text);
const numberOf = (row: IncidentSummary) =>
  row.caller_e164 ?? (row.caller_raw || row.caller_number) ?? '';

const columns = (): Column<IncidentSummary>[] => [
  { name: r('at'), cell: (row) => dateAndTime(row.received_at) },
  {
    name: r('caller'),
    cell: (row) => (
      <>
        <span class="mono">{numberOf(row) || r('no_number')}</span>
        {row.caller_name && <div>{row.caller_name}</div>}
      </>
    ),
  },
  {
    name: r('what'),
    cell: (row) => (
      <>
        <strong>{categoryName(row.category)}</strong>
        {row.text && <div>{short(row.text)}</div>}
      </>
    ),
  },
  {
    name: r('where'),
    cell: (row) => [row.desa, kecamatanName(row.kecamatan)].filter(Boolean).join(', '),
  },
  {
    name: r('outcome'),
    cell: (row) =>
      row.disposition ? disposition(row.disposition) : outcomeName(row.outcome ?? ''),
  },
  {
    name: r('state'),
    cell: (row) => (
      <Badge
        tone={row.record === 'open' ? 'warn' : 'plain'}
        icon={row.record === 'open' ? 'info' : 'lock'}
      >
        {recordState(row.record ?? 'open')}
      </Badge>
    ),
  },
  {
    name: r('open'),
    cell: (row) => (
      <Button
        label={r('open.of', { at: dateAndTime(row.received_at), number: numberOf(row) })}
        onPress={() => navigate(`/records/${row.id}`)}
      >
        {r('open')}
      </Button>
    ),
  },
];

function Results({ query }: { query: Asked }) {
  const { rows, more, wrong, busy } = usePages(read, query);
  return (
    <div class="card">
      {wrong && (
        <p class="error" role="alert">
          <Icon name="stop" /> {wrong}
        </p>
      )}
      <p class="muted" role="status">
        {rows === null ? (busy ? t('app.loading') : '') : r('found', { n: rows.length })}
      </p>
      {rows !== null && (
        <Table
          caption={r('results')}
          quietCaption
          rows={rows}
          rowKey={(row) => row.call || row.id}
          columns={columns()}
          empty={r('nothing')}
        />
      )}
      {more && (
        <Button busy={busy} onPress={more}>
          {t('action.more')}
        </Button>
      )}
    </div>
  );
}

function ById() {
  const [value, setValue] = useState('');
  return (
    <form
      class="form-row"
      onSubmit={(event) => {
        event.preventDefault();
        if (value.trim()) navigate(`/records/${encodeURIComponent(value.trim())}`);
      }}
    >
      <TextField label={r('open_id')} value={value} onInput={setValue} />
      <Button type="submit" onPress={() => {}}>
        {r('open')}
      </Button>
    </form>
  );
}

export function Search() {
  const id = useId();
  const [tried, setTried] = useState(false);
  const [making, setMaking] = useState(false);
  const query = typed.value;
  const set = (key: keyof Asked) => (value: string) => {
    typed.value = { ...typed.value, [key]: value };
  };
  const all = choices.value;
  const noReason = query.reason.trim().length < REASON_LEAST;
  const number = query.number.replace(/[^0-9A-Za-z]/g, '');
  const shortNumber = query.number.trim() !== '' && number.length < 3;
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (!noReason && !shortNumber) asked.value = { ...query };
  };
  const option = (value: string, label: string) => ({ value, label });
  return (
    <>
      <section class="card" aria-labelledby={id}>
        <h2 id={id}>{r('find')}</h2>
        <form class="form-row" onSubmit={submit} noValidate>
          <TextField label={r('since')} type="date" value={query.since} onInput={set('since')} />
          <TextField label={r('until')} type="date" value={query.until} onInput={set('until')} />
          <TextField
            label={r('number')}
            hint={r('number_hint')}
            type="tel"
            value={query.number}
            onInput={set('number')}
            error={tried && shortNumber ? r('number_short') : undefined}
          />
          <TextField
            label={r('place')}
            value={query.place}
            onInput={set('place')}
            list={(all?.kecamatan ?? []).map((one) => one.name)}
          />
          <SelectField
            label={r('category')}
            value={query.category}
            onInput={set('category')}
            choices={[
              option('', r('any')),
              ...(all?.categories ?? []).map((one) =>
                option(one.code, either(one.name, one.name_en)),
              ),
            ]}
          />
          <SelectField
            label={r('disposition')}
            value={query.disposition}
            onInput={set('disposition')}
            choices={[
              option('', r('any')),
              option('none', r('unjudged')),
              ...(all?.dispositions ?? []).map((one) => option(one, disposition(one))),
            ]}
          />
          <TextField label={r('words')} value={query.words} onInput={set('words')} />
          <TextField
            label={r('reason')}
            hint={r('reason_hint')}
            value={query.reason}
            onInput={set('reason')}
            error={tried && noReason ? r('reason_needed') : undefined}
          />
          <div class="row">
            <Button type="submit" kind="primary" onPress={() => {}}>
              {r('search')}
            </Button>
            <Button
              kind="quiet"
              onPress={() => {
                typed.value = empty();
                asked.value = null;
                setTried(false);
              }}
            >
              {r('clear')}
            </Button>
          </div>
        </form>
        <div class="records-more">
          <ById />
          {may('forms') && <Button onPress={() => setMaking(true)}>{r('new')}</Button>}
        </div>
      </section>
      {asked.value && <Results query={asked.value} />}
      {making && <NewRecord onClose={() => setMaking(false)} />}
    </>
  );
}
