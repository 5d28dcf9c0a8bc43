/** What each agency was told, and when: the next step is one press, and each can be changed or taken back. */
import { useId, useState } from 'preact/hooks';
import { timeOfDay } from '../../clock';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { SelectField, TextArea, TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import type { Choices } from './choices';
import { Conflict } from './conflict';
import { type Draft, put, shown } from './draft';
import { f } from './form_words';
import { w } from './words';

const STEPS = ['notified_at', 'accepted_at', 'arrived_at', 'done_at'] as const;
type Step = (typeof STEPS)[number];
const STEP_WORDS = {
  notified_at: 'agency.notify',
  accepted_at: 'agency.accepted',
  arrived_at: 'agency.arrived',
  done_at: 'agency.done',
} as const;
const NOTE_LONGEST = 300;

type Told = Partial<Record<Step | 'note', string>>;

/** A moment as a field of date and time has it, in this machine's zone; and back. */
export function toField(at: string | undefined): string {
  if (!at) return '';
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '';
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

function fromField(typed: string, before: string | undefined): string | undefined {
  if (!typed) return undefined;
  // Seconds that a press has written stay, as long as nobody changes the minute.
  if (before && toField(before) === typed) return before;
  return new Date(typed).toISOString();
}

/** What is wrong with it, so that nothing is sent that the gateway would refuse. */
function wrongOf(told: Told): string | undefined {
  const times = STEPS.map((step) => told[step])
    .filter((at) => at !== undefined)
    .map((at) => Date.parse(at));
  if (times.length === 0) return f('agency.needs_time');
  if (times.some((at, n) => n > 0 && at < (times[n - 1] ?? 0))) return f('agency.order');
  return (told.note ?? '').length > NOTE_LONGEST ? f('agency.note_long') : undefined;
}

function Change({
  of,
  name,
  told,
  done,
}: {
  of: Draft;
  name: string;
  told: Told;
  done: () => void;
}) {
  const field = `agencies.${name}`;
  const take = (part: Step | 'note', value: string | undefined) => {
    const next: Told = { ...told };
    if (value) next[part] = value;
    else delete next[part];
    const empty = Object.keys(next).length === 0;
    put(field, empty ? null : next, { wrong: empty ? undefined : wrongOf(next) });
  };
  // In the language of now, whichever it was when it was typed.
  const wrong = of.refused[field] && (wrongOf(told) ?? of.refused[field]);
  return (
    <fieldset class="agency-change">
      <legend>{f('agency.change_of', { agency: name })}</legend>
      <div class="two">
        {STEPS.map((step) => (
          <TextField
            key={step}
            label={w(STEP_WORDS[step])}
            type="datetime-local"
            value={toField(told[step])}
            hint={told[step] ? f('agency.time_hint') : undefined}
            onInput={(typed) => take(step, fromField(typed, told[step]))}
          />
        ))}
      </div>
      <TextArea
        label={f('agency.note')}
        rows={2}
        value={told.note ?? ''}
        onInput={(typed) => take('note', typed)}
      />
      {wrong && (
        <p class="error" role="alert">
          <Icon name="stop" /> {wrong}
        </p>
      )}
      <div class="row">
        <Button disabled={Boolean(wrong)} onPress={done}>
          {f('agency.done_changing')}
        </Button>
        <Button
          kind="danger"
          onPress={() => {
            put(field, null);
            done();
          }}
        >
          {f('agency.remove')}
        </Button>
      </div>
    </fieldset>
  );
}

function Agency({ of, name }: { of: Draft; name: string }) {
  const [changing, setChanging] = useState(false);
  const field = `agencies.${name}`;
  const told = (shown(of, field) ?? {}) as Told;
  const next = STEPS.find((step) => !told[step]);
  const shut = of.saving === 'shut';
  const known = Object.keys(told).length > 0;
  // What is wrong must be seen, also after the page was loaded anew.
  const open = !shut && (changing || Boolean(of.refused[field]));
  return (
    <li class="agency" data-field={field}>
      <span class="agency-name">{name}</span>
      {STEPS.filter((step) => told[step]).map((step) => (
        <Badge key={step} tone={step === 'done_at' ? 'good' : 'busy'} icon="clock">
          {w('agency.at', { step: w(STEP_WORDS[step]), time: timeOfDay(told[step] ?? '') })}
        </Badge>
      ))}
      {next && !shut && !open && (
        <Button
          label={w('agency.now', { agency: name, step: w(STEP_WORDS[next]) })}
          onPress={() => put(field, { ...told, [next]: new Date().toISOString() })}
        >
          {w(STEP_WORDS[next])}
        </Button>
      )}
      {known && !shut && !open && (
        <Button
          kind="quiet"
          label={f('agency.change_of', { agency: name })}
          onPress={() => setChanging(true)}
        >
          {f('agency.change')}
        </Button>
      )}
      {told.note && !open && <p class="agency-note">{told.note}</p>}
      {open && <Change of={of} name={name} told={told} done={() => setChanging(false)} />}
      <Conflict of={of} field={field} />
    </li>
  );
}

export function Agencies({ of, all }: { of: Draft; all: Choices }) {
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
