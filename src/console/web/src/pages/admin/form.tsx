/**
 * One entry of a table as a form. Every change goes straight into the text; what the gateway says of a line stands at
 * the field of that line. A number that cannot be one is told here and not written: the text stays as it was.
 */
import { useEffect, useId, useState } from 'preact/hooks';
import { CheckField, Field, SelectField, TextArea, TextField } from '../../components/field';
import { choiceWord, fieldWords } from './field_words';
import { DAYS, type FormField } from './fields';
import { type Finding, spoken } from './findings';
import { StepsOf } from './steps';
import { get, isTable, type Table, type Value } from './toml';
import { w } from './words';

/** What a form may choose from. */
export interface Names {
  queue: string[];
  operator: string[];
  agency: string[];
  trunk: string[];
  kecamatan: { value: string; label: string }[];
  category: { value: string; label: string }[];
  contact: { value: string; label: string }[];
  role: string[];
  calls: { value: string; label: string }[];
}

interface Props {
  field: FormField;
  entry: Table;
  names: Names;
  findings: readonly Finding[] | undefined;
  onChange: (value: Value | undefined) => void;
}

const said = (findings: readonly Finding[] | undefined) =>
  findings
    ?.map(spoken)
    .map(({ what, mend }) => `${what}. ${w('mend', { mend })}`)
    .join(' ');

const texts = (value: Value | undefined): string[] => {
  if (Array.isArray(value)) return value.map(String);
  return value === undefined ? [] : [String(value)];
};

/** Text that is kept as it is typed until the configuration has another one. */
function useTyped(shown: string): [string, (text: string) => void] {
  const [typed, setTyped] = useState(shown);
  useEffect(() => setTyped(shown), [shown]);
  return [typed, setTyped];
}

export function FieldOf(props: Props) {
  const { field, entry, findings, onChange } = props;
  const value = get(entry, field.path);
  const { label, hint } = fieldWords(field.words);
  const error = said(findings);
  const about = { label, hint, error };
  switch (field.kind) {
    case 'text':
      return (
        <TextField
          {...about}
          error={error ?? (field.needed && !value ? w('needed') : undefined)}
          value={value === undefined ? '' : String(value)}
          onInput={(text) => onChange(text === '' && !field.needed ? undefined : text)}
        />
      );
    case 'number':
      return <NumberOf {...props} field={field} about={about} value={value} />;
    case 'check':
      return (
        <div class="field-check">
          <CheckField
            label={label}
            checked={value === true}
            onInput={(checked) =>
              onChange(checked ? true : value === undefined ? undefined : false)
            }
          />
          {error && <p class="error">{error}</p>}
        </div>
      );
    case 'choice':
      return (
        <SelectField
          {...about}
          value={value === undefined ? '' : String(value)}
          onInput={(chosen) => onChange(chosen === '' ? undefined : chosen)}
          choices={withKept(
            value,
            field.of.map((one) => ({ value: one, label: choiceWord(one) })),
          )}
        />
      );
    case 'name': {
      const known = props.names[field.of].map((one) => ({ value: one, label: one }));
      return (
        <SelectField
          {...about}
          value={value === undefined ? '' : String(value)}
          onInput={(chosen) => onChange(chosen === '' ? undefined : chosen)}
          choices={withKept(value, known)}
        />
      );
    }
    case 'names': {
      const known = {
        kecamatan: props.names.kecamatan,
        calls: props.names.calls,
        category: props.names.category,
        trunk: props.names.trunk.map((one) => ({ value: one, label: one })),
        day: DAYS.map((day) => ({ value: day, label: choiceWord(day) })),
      }[field.of];
      return <NamesOf about={about} known={known} chosen={texts(value)} onChange={onChange} />;
    }
    case 'lines':
      return <LinesOf about={about} value={value} onChange={onChange} />;
    case 'queues':
      return <QueuesOf about={about} known={props.names.queue} value={value} onChange={onChange} />;
    case 'steps':
      return (
        <StepsOf
          about={about}
          contacts={props.names.contact}
          roles={props.names.role}
          value={value}
          onChange={onChange}
        />
      );
    case 'skills':
      return <SkillsOf about={about} value={value} onChange={onChange} />;
    case 'answer':
      return <AnswerOf about={about} value={value} onChange={onChange} />;
  }
}

interface About {
  label: string;
  hint: string | undefined;
  error: string | undefined;
}

/** The choices, with "not written" before them and whatever stands there behind. */
function withKept(value: Value | undefined, known: { value: string; label: string }[]) {
  const written = value === undefined ? '' : String(value);
  const missing = written !== '' && !known.some((one) => one.value === written);
  return [
    { value: '', label: w('unset') },
    ...known,
    ...(missing ? [{ value: written, label: written }] : []),
  ];
}

function NumberOf(
  props: Props & { field: FormField & { kind: 'number' }; about: About; value: Value | undefined },
) {
  const { field, about, value, onChange } = props;
  const [typed, setTyped] = useTyped(value === undefined ? '' : String(value));
  const number = Number(typed);
  const whole = typed.trim() !== '' && Number.isInteger(number);
  const fits = whole && number >= field.least && number <= field.most;
  const empty = typed.trim() === '';
  const wrong = empty
    ? field.needed
      ? w('needed')
      : undefined
    : fits
      ? undefined
      : w('number_range', { least: field.least, most: field.most });
  return (
    <TextField
      {...about}
      error={wrong ?? about.error}
      inputMode="numeric"
      value={typed}
      onInput={(text) => {
        setTyped(text);
        const next = Number(text);
        if (text.trim() === '') {
          if (!field.needed) onChange(undefined);
        } else if (Number.isInteger(next) && next >= field.least && next <= field.most) {
          onChange(next);
        }
      }}
    />
  );
}

function LinesOf({
  about,
  value,
  onChange,
}: {
  about: About;
  value: Value | undefined;
  onChange: Props['onChange'];
}) {
  const [typed, setTyped] = useTyped(texts(value).join('\n'));
  return (
    <TextArea
      {...about}
      code
      rows={Math.max(2, typed.split('\n').length)}
      value={typed}
      onInput={setTyped}
      onBlur={() => {
        const lines = typed
          .split('\n')
          .map((line) => line.trim())
          .filter(Boolean);
        if (lines.join('\n') !== texts(value).join('\n'))
          onChange(lines.length > 0 ? lines : undefined);
      }}
    />
  );
}

function NamesOf(props: {
  about: About;
  known: { value: string; label: string }[];
  chosen: string[];
  onChange: Props['onChange'];
}) {
  const { about, known, chosen, onChange } = props;
  const all = [
    ...known,
    ...chosen
      .filter((one) => !known.some(({ value }) => value === one))
      .map((value) => ({ value, label: value })),
  ];
  return (
    <fieldset class={about.error ? 'several wrong' : 'several'}>
      <legend>{about.label}</legend>
      {about.hint && <p class="hint">{about.hint}</p>}
      <div class="several-choices">
        {all.map(({ value, label }) => (
          <CheckField
            key={value}
            label={label}
            checked={chosen.includes(value)}
            onInput={(checked) => {
              const next = checked ? [...chosen, value] : chosen.filter((one) => one !== value);
              onChange(next.length > 0 ? next : undefined);
            }}
          />
        ))}
      </div>
      {about.error && <p class="error">{about.error}</p>}
    </fieldset>
  );
}

/** A queue that a seat serves: its name alone, or a table with tier, preference and weight. */
const queueName = (value: Value): string =>
  isTable(value) ? String(value['queue'] ?? '') : String(value);
const tierOf = (value: Value): string =>
  isTable(value) && value['tier'] !== undefined ? String(value['tier']) : '1';

function withTier(value: Value, tier: number): Value {
  const table: Table = isTable(value) ? { ...value } : { queue: queueName(value) };
  if (tier === 1) delete table['tier'];
  else table['tier'] = tier;
  return Object.keys(table).length === 1 ? queueName(value) : table;
}

function QueuesOf(props: {
  about: About;
  known: string[];
  value: Value | undefined;
  onChange: Props['onChange'];
}) {
  const { about, known, onChange } = props;
  const served = Array.isArray(props.value)
    ? props.value
    : props.value === undefined
      ? []
      : [props.value];
  const names = [...new Set([...known, ...served.map(queueName)])];
  const id = useId();
  return (
    <fieldset class={about.error ? 'several wrong' : 'several'}>
      <legend>{about.label}</legend>
      {about.hint && <p class="hint">{about.hint}</p>}
      <div class="several-choices">
        {names.map((name) => {
          const at = served.findIndex((one) => queueName(one) === name);
          const entry = served[at];
          return (
            <div key={name} class="row">
              <CheckField
                label={name}
                checked={entry !== undefined}
                onInput={(checked) => {
                  const next = checked
                    ? [...served, name]
                    : served.filter((one) => queueName(one) !== name);
                  onChange(next.length > 0 ? next : undefined);
                }}
              />
              {entry !== undefined && (
                <>
                  <label for={`${id}-${name}`}>{w('tier')}</label>
                  <select
                    id={`${id}-${name}`}
                    class="narrow"
                    value={tierOf(entry)}
                    aria-label={`${name}: ${w('tier')}`}
                    onInput={(event) => {
                      const next = [...served];
                      next[at] = withTier(entry, Number(event.currentTarget.value));
                      onChange(next);
                    }}
                  >
                    {[1, 2, 3, 4, 5, 6, 7, 8, 9].map((tier) => (
                      <option key={tier} value={String(tier)}>
                        {tier}
                      </option>
                    ))}
                  </select>
                </>
              )}
            </div>
          );
        })}
      </div>
      {about.error && <p class="error">{about.error}</p>}
    </fieldset>
  );
}

/** `mad = 3` for each line; a number where a line is none. */
export function skills(text: string): Table | number {
  const found: Table = {};
  for (const [at, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const match = /^\s*([\w.-]+)\s*=\s*([1-9])\s*$/.exec(line);
    if (!match?.[1]) return at + 1;
    found[match[1]] = Number(match[2]);
  }
  return found;
}

function SkillsOf({
  about,
  value,
  onChange,
}: {
  about: About;
  value: Value | undefined;
  onChange: Props['onChange'];
}) {
  const shown = isTable(value)
    ? Object.entries(value)
        .map(([name, level]) => `${name} = ${level}`)
        .join('\n')
    : '';
  const [typed, setTyped] = useTyped(shown);
  const read = skills(typed);
  return (
    <TextArea
      {...about}
      code
      rows={Math.max(2, typed.split('\n').length)}
      error={typeof read === 'number' ? w('bad_skill', { line: read }) : about.error}
      value={typed}
      onInput={setTyped}
      onBlur={() => {
        if (typeof read === 'number' || typed === shown) return;
        onChange(Object.keys(read).length > 0 ? read : undefined);
      }}
    />
  );
}

function AnswerOf({
  about,
  value,
  onChange,
}: {
  about: About;
  value: Value | undefined;
  onChange: Props['onChange'];
}) {
  const text = value === undefined ? '' : String(value);
  const after = /^after_seconds:(\d+)$/.exec(text)?.[1];
  const known = ['on_agent', 'immediate', 'after_seconds'].map((one) => ({
    value: one,
    label: choiceWord(one),
  }));
  return (
    <>
      <SelectField
        {...about}
        value={after === undefined ? text : 'after_seconds'}
        onInput={(chosen) => {
          if (chosen === '') onChange(undefined);
          else onChange(chosen === 'after_seconds' ? 'after_seconds:12' : chosen);
        }}
        choices={withKept(after === undefined ? value : 'after_seconds', known)}
      />
      {after !== undefined && (
        <Field label={w('after_seconds')}>
          {(given) => (
            <input
              {...given}
              inputMode="numeric"
              value={after}
              onInput={(event) => {
                const seconds = event.currentTarget.value.replace(/\D/g, '');
                if (seconds) onChange(`after_seconds:${Number(seconds)}`);
              }}
            />
          )}
        </Field>
      )}
    </>
  );
}
