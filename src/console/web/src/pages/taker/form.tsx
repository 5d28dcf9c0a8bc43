/** The incident form: opens with what is known, saves as it is typed, and says where that stands. */
import { createContext } from 'preact';
import { useContext, useEffect, useId, useState } from 'preact/hooks';
import type { CallPage } from '../../api/types';
import { dateAndTime } from '../../clock';
import { Badge, type Tone } from '../../components/badge';
import { Button } from '../../components/button';
import { Confirm } from '../../components/dialog';
import { SelectField, TextArea, TextField } from '../../components/field';
import { say, sayRefused } from '../../components/toast';
import { disposition } from '../../messages';
import { said } from '../../messages/said';
import { keeps } from '../../vault';
import { Agencies } from './agencies';
import { type Choices, choices } from './choices';
import { Conflict } from './conflict';
import {
  close,
  type Draft,
  discard,
  draft,
  openDraft,
  put,
  reopen,
  type Saving,
  shown,
  type Value,
} from './draft';
import { f } from './form_words';
import { callPage, opened } from './opened';
import { proposals } from './proposals';
import { either, w } from './words';

/** Characters that a field takes, as the gateway has it. */
const LONGEST: Record<string, number> = {
  caller_name: 100,
  caller_number: 40,
  text: 4000,
  address: 300,
  desa: 100,
  landmark: 200,
  field_report: 4000,
  result: 1000,
};

const text = (value: Value) => (value === null || typeof value === 'object' ? '' : String(value));

/** Why a field is refused, in the reader's language. */
function wrong(of: Draft, field: string, value: Value): string | undefined {
  const longest = LONGEST[field];
  if (longest && text(value).length > longest) return w('wrong.long', { n: longest });
  const told = of.refused[field];
  if (!told) return undefined;
  if (field.startsWith('victims_')) return w('wrong.count');
  if (field === 'coordinates') return w('wrong.coordinates');
  return w('wrong.other', { why: said(told) });
}

/** What the network says of a field that nobody has filled yet. */
const Page = createContext<CallPage | null>(null);

function Proposal({ of, field }: { of: Draft; field: string }) {
  const proposal = proposals(of, useContext(Page))[field];
  if (
    of.saving === 'shut' ||
    !proposal ||
    text(shown(of, field)) !== '' ||
    shown(of, field) !== null
  )
    return null;
  return (
    <div class="proposal">
      <span>{w('form.known', { value: proposal.said })}</span>
      <Button onPress={() => put(field, proposal.value)}>{w('form.take')}</Button>
    </div>
  );
}

type Texts =
  | 'caller_name'
  | 'caller_number'
  | 'text'
  | 'address'
  | 'desa'
  | 'landmark'
  | 'field_report'
  | 'result';

function Text({ of, field, rows }: { of: Draft; field: Texts; rows?: number }) {
  const value = shown(of, field);
  const props = {
    label: w(`field.${field}`),
    name: field,
    value: text(value),
    disabled: of.saving === 'shut',
    error: wrong(of, field, value),
    onInput: (typed: string) => put(field, typed === '' ? null : typed),
  };
  return (
    <div class="form-field" data-field={field}>
      {rows ? <TextArea {...props} rows={rows} /> : <TextField {...props} />}
      <Proposal of={of} field={field} />
      <Conflict of={of} field={field} />
    </div>
  );
}

type Counts =
  | 'victims_dead'
  | 'victims_severe'
  | 'victims_minor'
  | 'victims_missing'
  | 'victims_displaced';

function Count({ of, field }: { of: Draft; field: Counts }) {
  const value = shown(of, field);
  return (
    <div class="form-field" data-field={field}>
      <TextField
        label={w(`field.${field}`)}
        name={field}
        inputMode="numeric"
        value={text(value)}
        disabled={of.saving === 'shut'}
        error={wrong(of, field, value)}
        onInput={(typed) => {
          const digits = typed.trim();
          // What is no number is shown and refused at its place, not thrown away.
          put(field, digits === '' ? null : /^\d+$/.test(digits) ? Number(digits) : typed);
        }}
      />
      <Conflict of={of} field={field} />
    </div>
  );
}

interface Point {
  latitude: string | number;
  longitude: string | number;
}

function Coordinates({ of }: { of: Draft }) {
  const value = shown(of, 'coordinates') as Point | string | null;
  const told = typeof value === 'object' && value ? `${value.latitude}, ${value.longitude}` : value;
  const [typed, setTyped] = useState<string | null>(null);
  const take = (input: string) => {
    setTyped(input);
    const match = /^\s*(-?\d+(?:\.\d+)?)\s*[,; ]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(input);
    const [latitude, longitude] = [Number(match?.[1]), Number(match?.[2])];
    const good = match && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
    if (input.trim() === '') put('coordinates', null);
    else if (good) put('coordinates', { latitude: match[1], longitude: match[2] });
    // What cannot be read yet is kept like every other word, and closing waits for it.
    else put('coordinates', input, { wrong: w('wrong.coordinates') });
  };
  return (
    <div class="form-field" data-field="coordinates">
      <TextField
        label={w('field.coordinates')}
        name="coordinates"
        hint={w('hint.coordinates')}
        value={typed ?? (told ? String(told) : '')}
        disabled={of.saving === 'shut'}
        error={wrong(of, 'coordinates', null)}
        onInput={take}
        onBlur={() => setTyped(null)}
      />
      <Proposal of={of} field="coordinates" />
      <Conflict of={of} field="coordinates" />
    </div>
  );
}

function Select(props: {
  of: Draft;
  field: 'category' | 'sub_category' | 'kecamatan' | 'disposition';
  options: { value: string; label: string }[];
}) {
  const { of, field, options } = props;
  const value = shown(of, field);
  // A code that is no longer offered is shown as it is, not lost.
  const known = options.some((option) => option.value === value) || !value;
  const all = known ? options : [...options, { value: text(value), label: text(value) }];
  return (
    <div class="form-field" data-field={field}>
      <SelectField
        label={w(`field.${field}`)}
        value={text(value)}
        disabled={of.saving === 'shut'}
        error={wrong(of, field, value)}
        choices={[{ value: '', label: w('form.choose') }, ...all]}
        onInput={(chosen) => {
          put(field, chosen || null);
          if (field === 'category') put('sub_category', null);
        }}
      />
      <Proposal of={of} field={field} />
      <Conflict of={of} field={field} />
    </div>
  );
}

const TONES: Record<Saving, Tone> = {
  loading: 'plain',
  saved: 'good',
  writing: 'plain',
  saving: 'plain',
  away: 'warn',
  attention: 'bad',
  shut: 'plain',
};

function Standing({ of }: { of: Draft }) {
  const word = of.saving === 'away' && !keeps.value ? 'away_open' : of.saving;
  return (
    <div role="status" aria-live="polite">
      <Badge tone={TONES[of.saving]} icon={of.saving === 'shut' ? 'lock' : undefined}>
        {of.record?.state === 'merged' ? f('form.merged') : w(`form.${word}`)}
      </Badge>
    </div>
  );
}

function Fields({ of, all, page }: { of: Draft; all: Choices; page: CallPage | null }) {
  const category = all.categories.find((one) => one.code === shown(of, 'category'));
  const sub = category?.sub ?? [];
  return (
    <Page.Provider value={page}>
      <div class="form-body">
        <section class="form-part">
          <h3>{w('form.what')}</h3>
          <div class="two">
            <Select
              of={of}
              field="category"
              options={all.categories.map((one) => ({
                value: one.code,
                label: either(one.name, one.name_en),
              }))}
            />
            <Select
              of={of}
              field="sub_category"
              options={sub.map((one) => ({
                value: one.code,
                label: either(one.name, one.name_en),
              }))}
            />
          </div>
          <Text of={of} field="text" rows={3} />
          <div class="two">
            <Text of={of} field="caller_name" />
            <Text of={of} field="caller_number" />
          </div>
        </section>
        <section class="form-part">
          <h3>{w('form.where')}</h3>
          <Text of={of} field="address" />
          <div class="two">
            <Text of={of} field="landmark" />
            <Text of={of} field="desa" />
            <Select
              of={of}
              field="kecamatan"
              options={all.kecamatan.map((one) => ({ value: one.code, label: one.name }))}
            />
            <Coordinates of={of} />
          </div>
        </section>
        <Agencies of={of} all={all} />
        <section class="form-part">
          <h3>{w('form.victims')}</h3>
          <div class="five">
            <Count of={of} field="victims_dead" />
            <Count of={of} field="victims_severe" />
            <Count of={of} field="victims_minor" />
            <Count of={of} field="victims_missing" />
            <Count of={of} field="victims_displaced" />
          </div>
        </section>
        <section class="form-part">
          <h3>{w('form.outcome')}</h3>
          <Select
            of={of}
            field="disposition"
            options={all.dispositions.map((value) => ({ value, label: disposition(value) }))}
          />
          <div class="two">
            <Text of={of} field="field_report" rows={2} />
            <Text of={of} field="result" rows={2} />
          </div>
        </section>
      </div>
    </Page.Provider>
  );
}

/** Puts the cursor where a field has to be looked at. */
export function showField(field: string): void {
  const place = document.querySelector(`[data-field="${CSS.escape(field)}"]`);
  place?.querySelector<HTMLElement>('input, textarea, select, button')?.focus();
  place?.scrollIntoView({ block: 'center' });
  say(f('close.look'), 'warn');
}

async function closeOrShow(): Promise<void> {
  const first = await close();
  if (first) showField(first);
}

/** Written here, and the record was closed before it was saved. */
function LeftBehind({ of }: { of: Draft }) {
  const [asking, setAsking] = useState(false);
  const fields = Object.keys(of.changes);
  if (of.saving !== 'shut' || fields.length === 0) return null;
  const said = fields.map((field) => `${field}: ${text(of.changes[field] ?? null)}`).join('; ');
  return (
    <div class="band warn" role="alert">
      <span>{f('left.shut')}</span>
      <Button onPress={() => setAsking(true)}>{f('left.discard')}</Button>
      {asking && (
        <Confirm
          title={f('left.discard')}
          detail={<p>{f('left.discard_detail', { fields: said })}</p>}
          action={f('left.discard')}
          onClose={() => setAsking(false)}
          onConfirm={() => discard(of.incident)}
        />
      )}
    </div>
  );
}

/** The form of one record, with what the network says of its call as long as that lives. */
export function RecordForm({ incident, page }: { incident: string; page: CallPage | null }) {
  const id = useId();
  const of = draft.value;
  const all = choices.value;
  useEffect(() => {
    if (draft.peek()?.incident !== incident) openDraft(incident).catch(sayRefused);
  }, [incident]);
  if (!of?.record || !all || of.incident !== incident) {
    return (
      <section class="card form" aria-labelledby={id}>
        <h2 id={id}>{w('form')}</h2>
        <p class="muted">{w(of?.saving === 'shut' ? 'form.denied' : 'form.loading')}</p>
      </section>
    );
  }
  const { closed_by: by, closed_at: at } = of.record;
  return (
    <section class="card form" aria-labelledby={id}>
      <header class="form-head">
        <h2 id={id}>{w('form')}</h2>
        <span class="muted mono">{incident}</span>
        <Standing of={of} />
        {of.record.state === 'open' && (
          <Button onPress={() => closeOrShow().catch(sayRefused)}>{w('form.close')}</Button>
        )}
        {of.record.state === 'closed' && (
          <Button onPress={() => reopen(w('form.reopen_why')).catch(sayRefused)}>
            {w('form.reopen')}
          </Button>
        )}
      </header>
      {by && at && <p class="muted">{w('form.closed_by', { by, at: dateAndTime(at) })}</p>}
      <LeftBehind of={of} />
      <Fields key={incident} of={of} all={all} page={page} />
    </section>
  );
}

/** The form at a call taker's desk: of the call that was taken last, or of a record that was chosen. */
export function Form() {
  const id = useId();
  const incident = opened.value;
  if (incident) return <RecordForm incident={incident} page={callPage.value} />;
  return (
    <section class="card form" aria-labelledby={id}>
      <h2 id={id}>{w('form')}</h2>
      <p class="muted">{w('form.none')}</p>
    </section>
  );
}
