/** The incident form: opens with what is known, saves as it is typed, and says where that stands. */
import { useEffect, useId, useState } from 'preact/hooks';
import { dateAndTime, timeOfDay } from '../../clock';
import { Badge, type Tone } from '../../components/badge';
import { Button } from '../../components/button';
import { SelectField, TextArea, TextField } from '../../components/field';
import { sayRefused } from '../../components/toast';
import { disposition } from '../../messages';
import { said } from '../../messages/said';
import { keeps } from '../../vault';
import { type Choices, choices } from './choices';
import {
  close,
  type Draft,
  draft,
  openDraft,
  put,
  reopen,
  type Saving,
  settle,
  shown,
  type Value,
} from './draft';
import { proposals } from './proposals';
import { callPage, opened } from './seat';
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

/** Somebody else has written the same field: both words, and a person chooses. */
function Conflict({ of, field }: { of: Draft; field: string }) {
  const conflict = of.conflicts[field];
  if (!conflict) return null;
  const theirs = conflict.theirs as unknown;
  const value =
    theirs === undefined || theirs === null
      ? w('form.cleared')
      : typeof theirs === 'object'
        ? JSON.stringify(theirs)
        : String(theirs);
  const by = conflict.by ?? '?';
  return (
    <div class="conflict" role="alert">
      <p>{w('form.theirs', { by, value })}</p>
      <div class="row">
        <Button onPress={() => settle(field, true)}>{w('form.keep_mine')}</Button>
        <Button onPress={() => settle(field, false)}>{w('form.take_theirs', { by })}</Button>
      </div>
    </div>
  );
}

/** What the network says of a field that nobody has filled yet. */
function Proposal({ of, field }: { of: Draft; field: string }) {
  const proposal = proposals(of, callPage.value)[field];
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
    <div class="form-field">
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
    <div class="form-field">
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
  const [bad, setBad] = useState(false);
  const take = (input: string) => {
    setTyped(input);
    const match = /^\s*(-?\d+(?:\.\d+)?)\s*[,; ]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(input);
    const [latitude, longitude] = [Number(match?.[1]), Number(match?.[2])];
    const good = match && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
    if (input.trim() === '') put('coordinates', null);
    else if (good) put('coordinates', { latitude: match[1], longitude: match[2] });
    setBad(input.trim() !== '' && !good);
  };
  return (
    <div class="form-field">
      <TextField
        label={w('field.coordinates')}
        name="coordinates"
        hint={w('hint.coordinates')}
        value={typed ?? (told ? String(told) : '')}
        disabled={of.saving === 'shut'}
        error={bad ? w('wrong.coordinates') : wrong(of, 'coordinates', null)}
        onInput={take}
        onBlur={() => !bad && setTyped(null)}
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
    <div class="form-field">
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

const STEPS = ['notified_at', 'accepted_at', 'arrived_at', 'done_at'] as const;
const STEP_WORDS = {
  notified_at: 'agency.notify',
  accepted_at: 'agency.accepted',
  arrived_at: 'agency.arrived',
  done_at: 'agency.done',
} as const;

/** What one agency was told, and when: the next step is one press. */
function Agency({ of, name }: { of: Draft; name: string }) {
  const field = `agencies.${name}`;
  const told = (shown(of, field) ?? {}) as Partial<Record<(typeof STEPS)[number] | 'note', string>>;
  const next = STEPS.find((step) => !told[step]);
  return (
    <li class="agency">
      <span class="agency-name">{name}</span>
      {STEPS.filter((step) => told[step]).map((step) => (
        <Badge key={step} tone={step === 'done_at' ? 'good' : 'busy'} icon="clock">
          {w('agency.at', { step: w(STEP_WORDS[step]), time: timeOfDay(told[step] ?? '') })}
        </Badge>
      ))}
      {next && of.saving !== 'shut' && (
        <Button
          label={w('agency.now', { agency: name, step: w(STEP_WORDS[next]) })}
          onPress={() => put(field, { ...told, [next]: new Date().toISOString() })}
        >
          {w(STEP_WORDS[next])}
        </Button>
      )}
      <Conflict of={of} field={field} />
    </li>
  );
}

function Agencies({ of, all }: { of: Draft; all: Choices }) {
  const id = useId();
  const category = all.categories.find((one) => one.code === shown(of, 'category'));
  const onForm = Object.keys((of.record?.form?.['agencies'] ?? {}) as object);
  const typed = Object.keys(of.changes)
    .filter((field) => field.startsWith('agencies.'))
    .map((field) => field.slice('agencies.'.length));
  const names = [...new Set([...(category?.agencies ?? []), ...onForm, ...typed])];
  const others = [...new Set(all.categories.flatMap((one) => one.agencies))]
    .filter((name) => !names.includes(name))
    .sort();
  return (
    <section class="form-part" aria-labelledby={id}>
      <h3 id={id}>{w('form.agencies')}</h3>
      <ul class="agencies">
        {names.map((name) => (
          <Agency key={name} of={of} name={name} />
        ))}
      </ul>
      {of.saving !== 'shut' && (
        <SelectField
          label={w('agency.other')}
          value=""
          choices={[
            { value: '', label: w('form.choose') },
            ...others.map((name) => ({ value: name, label: name })),
          ]}
          onInput={(name) =>
            name && put(`agencies.${name}`, { notified_at: new Date().toISOString() })
          }
        />
      )}
    </section>
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
  return (
    <div role="status" aria-live="polite">
      <Badge tone={TONES[of.saving]} icon={of.saving === 'shut' ? 'lock' : undefined}>
        {w(of.saving === 'away' && !keeps.value ? 'form.away_open' : `form.${of.saving}`)}
      </Badge>
    </div>
  );
}

function Fields({ of, all }: { of: Draft; all: Choices }) {
  const category = all.categories.find((one) => one.code === shown(of, 'category'));
  const sub = category?.sub ?? [];
  return (
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
  );
}

export function Form() {
  const id = useId();
  const incident = opened.value;
  const of = draft.value;
  const all = choices.value;
  useEffect(() => {
    if (incident && draft.peek()?.incident !== incident) openDraft(incident).catch(sayRefused);
  }, [incident]);
  if (!incident) {
    return (
      <section class="card form" aria-labelledby={id}>
        <h2 id={id}>{w('form')}</h2>
        <p class="muted">{w('form.none')}</p>
      </section>
    );
  }
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
        {of.record.state === 'open' ? (
          <Button onPress={() => close().catch(sayRefused)}>{w('form.close')}</Button>
        ) : (
          <Button onPress={() => reopen(w('form.reopen_why')).catch(sayRefused)}>
            {w('form.reopen')}
          </Button>
        )}
      </header>
      {by && at && <p class="muted">{w('form.closed_by', { by, at: dateAndTime(at) })}</p>}
      <Fields key={incident} of={of} all={all} />
    </section>
  );
}
