/** Who may come in. Nobody is ever deleted: the records name them. */
import { useEffect, useState } from 'preact/hooks';
import { api, ask, Refused } from '../../api/client';
import type { components } from '../../api/schema';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { Confirm, Dialog } from '../../components/dialog';
import { SelectField, TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import { Table } from '../../components/table';
import { inWords, say, sayRefused } from '../../components/toast';
import { seats } from '../../live/store';
import { language, t } from '../../messages';
import { roleWord, w } from './words';

type Person = components['schemas']['ListedPerson'];

const ROLES = ['call-taker', 'supervisor', 'dispatcher', 'admin', 'auditor'];
const PASSWORD_LEAST = 10;

const operators = () => [
  ...new Set(seats.value.flatMap((seat) => (seat.operator ? [seat.operator] : []))),
];

function OperatorField(props: { value: string; onInput: (value: string) => void }) {
  const known = operators();
  const all = props.value && !known.includes(props.value) ? [...known, props.value] : known;
  return (
    <SelectField
      label={w('person_operator')}
      hint={w('person_operator_hint')}
      value={props.value}
      onInput={props.onInput}
      choices={[{ value: '', label: w('none') }, ...all.map((value) => ({ value, label: value }))]}
    />
  );
}

/** A refusal at the foot of a form; what was typed stays. */
function Wrong({ text }: { text: string | undefined }) {
  return (
    <div role="alert">
      {text && (
        <p class="error">
          <Icon name="stop" /> {text}
        </p>
      )}
    </div>
  );
}

function PersonForm({
  person,
  onDone,
}: {
  person: Person | null;
  onDone: (changed: boolean) => void;
}) {
  const [name, setName] = useState(person?.name ?? '');
  const [fullName, setFullName] = useState(person?.full_name ?? '');
  const [role, setRole] = useState(person?.role ?? 'call-taker');
  const [operator, setOperator] = useState(person?.operator ?? '');
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const badName = !/^[a-z0-9._-]+$/.test(name);
  const short = password !== '' && password.length < PASSWORD_LEAST;
  const store = async () => {
    setTried(true);
    if (badName || short) return;
    try {
      if (person) {
        const body = { full_name: fullName, role, operator };
        await ask(api.PATCH('/api/v1/people/{name}', { params: { path: { name } }, body }));
      } else {
        const body = {
          name,
          full_name: fullName,
          role,
          ...(operator ? { operator } : {}),
          ...(password ? { password } : {}),
        };
        await ask(api.POST('/api/v1/people', { body }));
      }
      onDone(true);
      say(w('done'), 'good');
    } catch (error) {
      setWrong(inWords(error));
    }
  };
  const foot = (
    <>
      <Button onPress={() => onDone(false)}>{t('action.cancel')}</Button>
      <Button kind="primary" onPress={store}>
        {t('action.save')}
      </Button>
    </>
  );
  return (
    <Dialog
      title={person ? w('edit_what', { name: person.name }) : w('add_person')}
      onClose={() => onDone(false)}
      foot={foot}
    >
      <TextField
        label={w('login_name')}
        hint={w('login_name_hint')}
        value={name}
        onInput={(value) => setName(value.toLowerCase())}
        disabled={person !== null}
        error={tried && badName ? w('login_name_hint') : undefined}
      />
      <TextField label={w('full_name')} value={fullName} onInput={setFullName} />
      <SelectField
        label={w('role')}
        value={role}
        onInput={setRole}
        choices={ROLES.map((value) => ({ value, label: roleWord(value) }))}
      />
      <OperatorField value={operator} onInput={setOperator} />
      {person === null && (
        <TextField
          label={w('password')}
          hint={w('password_hint')}
          type="password"
          autocomplete="new-password"
          value={password}
          onInput={setPassword}
          error={tried && short ? w('password_short') : undefined}
        />
      )}
      <Wrong text={wrong} />
    </Dialog>
  );
}

function PasswordForm({ name, onDone }: { name: string; onDone: (changed: boolean) => void }) {
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const short = password.length < PASSWORD_LEAST;
  const set = async () => {
    setTried(true);
    if (short) return;
    try {
      const params = { path: { name } };
      await ask(api.PUT('/api/v1/people/{name}/password', { params, body: { password } }));
      onDone(true);
      say(w('done'), 'good');
    } catch (error) {
      setWrong(error instanceof Refused ? inWords(error) : String(error));
    }
  };
  const foot = (
    <>
      <Button onPress={() => onDone(false)}>{t('action.cancel')}</Button>
      <Button kind="primary" onPress={set}>
        {t('action.save')}
      </Button>
    </>
  );
  return (
    <Dialog title={w('password_of', { name })} onClose={() => onDone(false)} foot={foot}>
      <TextField
        label={w('new_password')}
        type="password"
        autocomplete="new-password"
        value={password}
        onInput={setPassword}
        error={tried && short ? w('password_short') : wrong}
      />
    </Dialog>
  );
}

type Doing =
  | { what: 'add' }
  | { what: 'edit' | 'password' | 'sign-out' | 'disable'; person: Person };

export function People() {
  const [people, setPeople] = useState<Person[] | null>(null);
  const [wrong, setWrong] = useState<string>();
  const [doing, setDoing] = useState<Doing | null>(null);
  const look = () =>
    ask(api.GET('/api/v1/people'))
      .then((found) => setPeople(found.people))
      .catch((error) => setWrong(inWords(error)));
  useEffect(() => {
    look();
  }, []);
  const done = (changed: boolean) => {
    setDoing(null);
    if (changed) look();
  };
  const act = (work: Promise<unknown>) =>
    work
      .then(() => say(w('done'), 'good'))
      .then(look)
      .catch(sayRefused);
  const set = (name: string, disabled: boolean) =>
    act(
      ask(api.PATCH('/api/v1/people/{name}', { params: { path: { name } }, body: { disabled } })),
    );
  const signOut = (name: string) =>
    act(ask(api.DELETE('/api/v1/people/{name}/sessions', { params: { path: { name } } })));
  if (wrong) return <p class="error">{wrong}</p>;
  if (people === null) return <p>{t('app.loading')}</p>;
  const state = (person: Person) => {
    if (person.disabled) return <Badge>{w('person.disabled')}</Badge>;
    if (!person.has_password) return <Badge tone="warn">{w('person.no-password')}</Badge>;
    return <Badge tone="good">{w('person.active')}</Badge>;
  };
  return (
    <>
      <div class="row">
        <Button kind="primary" onPress={() => setDoing({ what: 'add' })}>
          {w('add_person')}
        </Button>
      </div>
      <Table
        caption={w('people_caption')}
        rows={people}
        rowKey={(row) => row.name}
        columns={[
          {
            name: w('name'),
            cell: (row) => (
              <>
                <strong>{row.name}</strong> <span class="muted">{row.full_name}</span>
              </>
            ),
          },
          {
            name: w('role'),
            cell: (row) => row.role_names[language.value === 'id' ? 0 : 1] ?? row.role,
          },
          { name: w('operator'), cell: (row) => row.operator ?? '–' },
          { name: w('state'), cell: state },
          { name: w('sessions'), number: true, cell: (row) => row.sessions },
          {
            name: w('actions'),
            cell: (row) => (
              <div class="row">
                <Button
                  label={`${w('edit')}: ${row.name}`}
                  onPress={() => setDoing({ what: 'edit', person: row })}
                >
                  {w('edit')}
                </Button>
                <Button
                  label={`${w('new_password')}: ${row.name}`}
                  onPress={() => setDoing({ what: 'password', person: row })}
                >
                  {w('new_password')}
                </Button>
                {row.sessions > 0 && (
                  <Button
                    label={`${w('sign_out')}: ${row.name}`}
                    onPress={() => setDoing({ what: 'sign-out', person: row })}
                  >
                    {w('sign_out')}
                  </Button>
                )}
                {row.disabled ? (
                  <Button
                    label={`${w('enable')}: ${row.name}`}
                    onPress={() => set(row.name, false)}
                  >
                    {w('enable')}
                  </Button>
                ) : (
                  <Button
                    label={`${w('disable')}: ${row.name}`}
                    onPress={() => setDoing({ what: 'disable', person: row })}
                  >
                    {w('disable')}
                  </Button>
                )}
              </div>
            ),
          },
        ]}
      />
      {doing?.what === 'add' && <PersonForm person={null} onDone={done} />}
      {doing?.what === 'edit' && <PersonForm person={doing.person} onDone={done} />}
      {doing?.what === 'password' && <PasswordForm name={doing.person.name} onDone={done} />}
      {doing?.what === 'sign-out' && (
        <Confirm
          title={w('sign_out_title', { name: doing.person.name })}
          detail={<p>{w('sign_out_detail')}</p>}
          action={w('sign_out')}
          onConfirm={() => signOut(doing.person.name)}
          onClose={() => setDoing(null)}
        />
      )}
      {doing?.what === 'disable' && (
        <Confirm
          title={w('disable_title', { name: doing.person.name })}
          detail={<p>{w('disable_detail')}</p>}
          action={w('disable')}
          onConfirm={() => set(doing.person.name, true)}
          onClose={() => setDoing(null)}
        />
      )}
    </>
  );
}
