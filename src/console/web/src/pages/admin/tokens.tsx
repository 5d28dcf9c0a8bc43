/** Tokens of programs. One is shown once, and held in memory only while its dialog is open. */
import { useEffect, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import { dateAndTime } from '../../clock';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { Confirm, Dialog } from '../../components/dialog';
import { SelectField, TextField } from '../../components/field';
import { Table } from '../../components/table';
import { inWords, say, sayRefused } from '../../components/toast';
import { t } from '../../messages';
import { roleWord, w } from './words';

type Token = components['schemas']['ListedToken'];

const ROLES = ['supervisor', 'dispatcher', 'admin', 'auditor'];
const DAYS = { usual: '90', least: 1, most: 730 };

function NewToken({ onDone }: { onDone: (made: boolean) => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState('auditor');
  const [days, setDays] = useState(DAYS.usual);
  const [token, setToken] = useState<string | null>(null);
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const count = Number(days);
  const badDays = !Number.isInteger(count) || count < DAYS.least || count > DAYS.most;
  const make = async () => {
    setTried(true);
    if (!name.trim() || badDays) return;
    try {
      const body = { name: name.trim(), role, days: count };
      setToken((await ask(api.POST('/api/v1/tokens', { body }))).token);
    } catch (error) {
      setWrong(inWords(error));
    }
  };
  if (token !== null) {
    const copy = () =>
      navigator.clipboard
        .writeText(token)
        .then(() => say(w('copied'), 'good'))
        .catch(sayRefused);
    const foot = (
      <>
        <Button onPress={copy}>{w('copy')}</Button>
        <Button kind="primary" onPress={() => onDone(true)}>
          {t('action.close')}
        </Button>
      </>
    );
    return (
      <Dialog title={w('token')} onClose={() => onDone(true)} foot={foot}>
        <p>{w('token_shown')}</p>
        <pre class="token">
          <code>{token}</code>
        </pre>
      </Dialog>
    );
  }
  const foot = (
    <>
      <Button onPress={() => onDone(false)}>{t('action.cancel')}</Button>
      <Button kind="primary" onPress={make}>
        {w('add_token')}
      </Button>
    </>
  );
  return (
    <Dialog title={w('add_token')} onClose={() => onDone(false)} foot={foot}>
      <TextField
        label={w('token_name')}
        value={name}
        onInput={setName}
        error={tried && !name.trim() ? w('needed') : wrong}
      />
      <SelectField
        label={w('role')}
        value={role}
        onInput={setRole}
        choices={ROLES.map((value) => ({ value, label: roleWord(value) }))}
      />
      <TextField
        label={w('token_days')}
        inputMode="numeric"
        value={days}
        onInput={setDays}
        error={badDays ? w('number_range', { least: DAYS.least, most: DAYS.most }) : undefined}
      />
    </Dialog>
  );
}

export function Tokens() {
  const [tokens, setTokens] = useState<Token[] | null>(null);
  const [wrong, setWrong] = useState<string>();
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<string | null>(null);
  const look = () =>
    ask(api.GET('/api/v1/tokens'))
      .then((found) => setTokens(found.tokens))
      .catch((error) => setWrong(inWords(error)));
  useEffect(() => {
    look();
  }, []);
  const revoke = (name: string) =>
    ask(api.DELETE('/api/v1/tokens/{name}', { params: { path: { name } } }))
      .then(() => say(w('done'), 'good'))
      .then(look)
      .catch(sayRefused);
  if (wrong) return <p class="error">{wrong}</p>;
  if (tokens === null) return <p>{t('app.loading')}</p>;
  return (
    <>
      <div class="row">
        <Button kind="primary" onPress={() => setAdding(true)}>
          {w('add_token')}
        </Button>
      </div>
      <Table
        caption={w('tokens_caption')}
        rows={tokens}
        rowKey={(row) => row.name}
        columns={[
          { name: w('name'), cell: (row) => <strong>{row.name}</strong> },
          { name: w('role'), cell: (row) => row.person ?? roleWord(row.role ?? '–') },
          { name: w('token_by'), cell: (row) => row.by },
          {
            name: w('token_until'),
            cell: (row) => (
              <>
                {dateAndTime(row.until)} {row.over && <Badge tone="warn">{w('token_over')}</Badge>}
              </>
            ),
          },
          {
            name: w('actions'),
            cell: (row) => (
              <Button label={`${w('revoke')}: ${row.name}`} onPress={() => setRevoking(row.name)}>
                {w('revoke')}
              </Button>
            ),
          },
        ]}
      />
      {adding && (
        <NewToken
          onDone={(made) => {
            setAdding(false);
            if (made) look();
          }}
        />
      )}
      {revoking !== null && (
        <Confirm
          title={w('revoke_title', { name: revoking })}
          detail={<p>{w('revoke_detail')}</p>}
          action={w('revoke')}
          onConfirm={() => revoke(revoking)}
          onClose={() => setRevoking(null)}
        />
      )}
    </>
  );
}
