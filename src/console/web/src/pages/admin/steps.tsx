/** The steps of a chain: who is called, in order, and how long each number rings. */
import { useId } from 'preact/hooks';
import { Button } from '../../components/button';
import { isTable, type Table, type Value } from './toml';
import { w } from './words';

interface Props {
  about: { label: string; hint: string | undefined; error: string | undefined };
  contacts: { value: string; label: string }[];
  roles: string[];
  value: Value | undefined;
  onChange: (value: Value | undefined) => void;
}

/** As the choice has it: `contact:bpbd` or `role:camat`. */
const whoOf = (step: Table): string => {
  if (step['role'] !== undefined) return `role:${step['role']}`;
  return step['contact'] === undefined ? '' : `contact:${step['contact']}`;
};

/** The step with another one to call; how long it rings stays. */
function withWho(step: Table, who: string): Table {
  const at = who.indexOf(':');
  const { contact: _contact, role: _role, ...rest } = step;
  return at < 0 ? rest : { [who.slice(0, at)]: who.slice(at + 1), ...rest };
}

const LEAST = 5;
const MOST = 120;
const USUAL = 25;

export function StepsOf({ about, contacts, roles, value, onChange }: Props) {
  const id = useId();
  const steps: Table[] = Array.isArray(value) ? value.filter(isTable) : [];
  const put = (next: Table[]) => onChange(next.length > 0 ? next : undefined);
  const known = [
    ...contacts.map(({ value: name, label }) => ({ value: `contact:${name}`, label })),
    ...roles.map((role) => ({ value: `role:${role}`, label: w('step.role', { role }) })),
  ];
  const swapped = (at: number, other: number): Table[] => {
    const next = [...steps];
    const [one, two] = [next[at], next[other]];
    if (one && two) [next[at], next[other]] = [two, one];
    return next;
  };
  return (
    <fieldset class={about.error ? 'several wrong steps' : 'several steps'}>
      <legend>{about.label}</legend>
      {about.hint && <p class="hint">{about.hint}</p>}
      <ol>
        {steps.map((step, at) => {
          const who = whoOf(step);
          const missing = who !== '' && !known.some((one) => one.value === who);
          const number = at + 1;
          return (
            // A step is what stands at its place.
            <li key={at} class="row">
              <label class="hidden" for={`${id}-who-${at}`}>
                {w('step.who', { number })}
              </label>
              <select
                id={`${id}-who-${at}`}
                value={who}
                onInput={(event) => {
                  const chosen = event.currentTarget.value;
                  put(steps.map((one, i) => (i === at ? withWho(one, chosen) : one)));
                }}
              >
                {who === '' && <option value="">{w('unset')}</option>}
                {known.map((one) => (
                  <option key={one.value} value={one.value}>
                    {one.label}
                  </option>
                ))}
                {missing && <option value={who}>{who.slice(who.indexOf(':') + 1)}</option>}
              </select>
              <label for={`${id}-ring-${at}`}>
                {w('step.ring')} <span class="hidden">({number})</span>
              </label>
              <input
                id={`${id}-ring-${at}`}
                class="narrow"
                inputMode="numeric"
                placeholder={String(USUAL)}
                value={step['ring_seconds'] === undefined ? '' : String(step['ring_seconds'])}
                onChange={(event) => {
                  const typed = event.currentTarget.value.trim();
                  const seconds = Number(typed);
                  const { ring_seconds: _ring, ...rest } = step;
                  if (typed === '') {
                    put(steps.map((one, i) => (i === at ? rest : one)));
                  } else if (Number.isInteger(seconds) && seconds >= LEAST && seconds <= MOST) {
                    const next = { ...rest, ring_seconds: seconds };
                    put(steps.map((one, i) => (i === at ? next : one)));
                  } else {
                    event.currentTarget.setCustomValidity(
                      w('number_range', { least: LEAST, most: MOST }),
                    );
                    event.currentTarget.reportValidity();
                    event.currentTarget.setCustomValidity('');
                  }
                }}
              />
              <Button
                disabled={at === 0}
                label={w('step.up', { number })}
                onPress={() => put(swapped(at, at - 1))}
              >
                ↑
              </Button>
              <Button
                disabled={at === steps.length - 1}
                label={w('step.down', { number })}
                onPress={() => put(swapped(at, at + 1))}
              >
                ↓
              </Button>
              <Button
                icon="close"
                label={w('step.remove', { number })}
                onPress={() => put(steps.filter((_, i) => i !== at))}
              >
                {w('remove')}
              </Button>
            </li>
          );
        })}
      </ol>
      <Button
        onPress={() => {
          const taken = new Set(steps.map(whoOf));
          const next = known.find((one) => !taken.has(one.value));
          put([...steps, next ? withWho({}, next.value) : {}]);
        }}
      >
        {w('step.add')}
      </Button>
      {about.error && <p class="error">{about.error}</p>}
    </fieldset>
  );
}
