/** Fields with their label above, a hint below, and what is wrong at its place. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { Icon } from './icon';

interface About {
  label: string;
  hint?: string | undefined;
  /** What is wrong with it, in the reader's language. */
  error?: string | undefined;
  /** A note beside the label: saved, or changed by somebody else. */
  note?: ComponentChildren;
}

interface Given {
  id: string;
  'aria-invalid': boolean;
  'aria-describedby': string | undefined;
}

/** A field around any control: `<Field label="…">{(given) => <input {...given} />}</Field>` */
export function Field({
  label,
  hint,
  error,
  note,
  children,
}: About & { children: (given: Given) => ComponentChildren }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div class={error ? 'field wrong' : 'field'}>
      <div class="field-head">
        <label for={id}>{label}</label>
        {note}
      </div>
      {children({
        id,
        'aria-invalid': Boolean(error),
        'aria-describedby': described || undefined,
      })}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="error" id={`${id}-error`}>
          <Icon name="stop" /> {error}
        </p>
      )}
    </div>
  );
}

interface Text extends About {
  value: string;
  onInput: (value: string) => void;
  onBlur?: () => void;
  onFocus?: () => void;
  type?: 'text' | 'password' | 'number' | 'search' | 'date' | 'datetime-local' | 'tel';
  name?: string;
  autocomplete?: string;
  inputMode?: 'text' | 'numeric' | 'decimal' | 'tel';
  autofocus?: boolean;
  disabled?: boolean;
  /** Choices that may be typed as well. */
  list?: string[];
}

export function TextField(props: Text) {
  const listId = useId();
  return (
    <Field {...props}>
      {(given) => (
        <>
          <input
            {...given}
            ref={(input) => {
              if (props.autofocus && input && !input.dataset['met']) {
                input.dataset['met'] = 'yes';
                input.focus();
              }
            }}
            // The element's types are a union by type; ours share what is used here.
            type={(props.type ?? 'text') as 'text'}
            name={props.name}
            autocomplete={props.autocomplete ?? 'off'}
            inputMode={props.inputMode}
            disabled={Boolean(props.disabled)}
            list={props.list ? listId : undefined}
            value={props.value}
            onInput={(event) => props.onInput(event.currentTarget.value)}
            onBlur={props.onBlur}
            onFocus={props.onFocus}
          />
          {props.list && (
            <datalist id={listId}>
              {props.list.map((choice) => (
                <option key={choice} value={choice} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

export function TextArea(props: Omit<Text, 'type' | 'list'> & { rows?: number; code?: boolean }) {
  return (
    <Field {...props}>
      {(given) => (
        <textarea
          {...given}
          class={props.code ? 'code' : undefined}
          spellcheck={!props.code}
          rows={props.rows ?? 4}
          disabled={Boolean(props.disabled)}
          value={props.value}
          onInput={(event) => props.onInput(event.currentTarget.value)}
          onBlur={props.onBlur}
          onFocus={props.onFocus}
        />
      )}
    </Field>
  );
}

interface Select extends About {
  value: string;
  onInput: (value: string) => void;
  choices: { value: string; label: string }[];
  disabled?: boolean;
  onFocus?: () => void;
  onBlur?: () => void;
}

export function SelectField(props: Select) {
  return (
    <Field {...props}>
      {(given) => (
        <select
          {...given}
          disabled={Boolean(props.disabled)}
          value={props.value}
          onFocus={props.onFocus}
          onBlur={props.onBlur}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        >
          {props.choices.map((choice) => (
            <option key={choice.value} value={choice.value}>
              {choice.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function CheckField(props: {
  label: string;
  checked: boolean;
  onInput: (checked: boolean) => void;
  disabled?: boolean;
}) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={props.checked}
        disabled={Boolean(props.disabled)}
        onInput={(event) => props.onInput(event.currentTarget.checked)}
      />
      <span>{props.label}</span>
    </label>
  );
}
