/** Two lists for auditors and admins: who looked at what and why, and who did what. Reading them is audited itself. */
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import { dateAndTime } from '../../clock';
import { Button } from '../../components/button';
import { SelectField, TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import { type Column, Table } from '../../components/table';
import { t } from '../../messages';
import { said } from '../../messages/said';
import { usePages } from './pages';
import { w } from './words';

type Access = components['schemas']['Access'];
type Deed = components['schemas']['Deed'];

interface Asked {
  since: string;
  until: string;
  by: string;
  what: string;
  subject: string;
}

/** What the deeds of a kind have in common, in the gateway's words. */
const KINDS = [
  'log',
  'password',
  'factor',
  'person',
  'token',
  'configuration',
  'record ',
  'recording',
  'incident',
  'pack',
  'copy',
  'call',
  'seat',
  'alarm',
  'audit',
] as const;

const EMPTY: Asked = { since: '', until: '', by: '', what: '', subject: '' };

/** Only what was filled in. */
function filled(asked: Asked): Partial<Asked> {
  const pairs = Object.entries(asked).map(([key, value]) => [key, value.trim()] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''));
}

function Filters(props: {
  onAsk: (asked: Asked) => void;
  deeds: boolean;
  wrong: string | undefined;
}) {
  const [asked, setAsked] = useState(EMPTY);
  const set = (key: keyof Asked) => (value: string) => setAsked({ ...asked, [key]: value });
  return (
    <form
      class="form-row"
      onSubmit={(event) => {
        event.preventDefault();
        props.onAsk({ ...asked });
      }}
    >
      <TextField label={w('since')} type="date" value={asked.since} onInput={set('since')} />
      <TextField label={w('until')} type="date" value={asked.until} onInput={set('until')} />
      <TextField label={w('by')} value={asked.by} onInput={set('by')} />
      {props.deeds && (
        <SelectField
          label={w('what')}
          value={asked.what}
          choices={[
            { value: '', label: w('what.all') },
            ...KINDS.map((value) => ({ value, label: w(`what.${value}`) })),
          ]}
          onInput={set('what')}
        />
      )}
      <TextField
        label={props.deeds ? w('subject') : w('incident')}
        value={asked.subject}
        onInput={set('subject')}
      />
      <div class="row">
        <Button type="submit" kind="primary" onPress={() => {}}>
          {w('show')}
        </Button>
        <Button
          kind="quiet"
          onPress={() => {
            setAsked(EMPTY);
            props.onAsk({ ...EMPTY });
          }}
        >
          {w('clear')}
        </Button>
      </div>
      {props.wrong && (
        <p class="error" role="alert">
          <Icon name="stop" /> {props.wrong}
        </p>
      )}
    </form>
  );
}

function Listed<Row>(props: {
  caption: string;
  rows: Row[] | null;
  columns: Column<Row>[];
  rowKey: (row: Row) => string;
  more: (() => void) | null;
  busy: boolean;
}) {
  if (props.rows === null) return <p>{props.busy ? t('app.loading') : ''}</p>;
  return (
    <>
      <p class="muted" role="status">
        {w('count', { n: props.rows.length })}
      </p>
      <Table
        caption={props.caption}
        quietCaption
        rows={props.rows}
        rowKey={props.rowKey}
        columns={props.columns}
        empty={w('nothing')}
      />
      {props.more && (
        <Button busy={props.busy} onPress={props.more}>
          {t('action.more')}
        </Button>
      )}
    </>
  );
}

const readAccess = async (asked: Asked, before: string | undefined) => {
  const { what: _, ...rest } = filled(asked);
  const query = before === undefined ? rest : { ...rest, before };
  const page = await ask(api.GET('/api/v1/access-log', { params: { query } }));
  return { rows: page.access, next: page.next };
};

/** Who looked at what, and why. */
export function AccessLog() {
  const [asked, setAsked] = useState(EMPTY);
  const { rows, more, wrong, busy } = usePages<Access, string, Asked>(readAccess, asked);
  return (
    <>
      <Filters onAsk={setAsked} deeds={false} wrong={wrong} />
      <Listed
        caption={w('tab.access')}
        rows={rows}
        rowKey={(row) => `${row.node} ${row.seq}`}
        more={more}
        busy={busy}
        columns={[
          { name: w('at'), cell: (row) => dateAndTime(row.at) },
          { name: w('by'), cell: (row) => row.by },
          { name: w('deed'), cell: (row) => said(row.what) },
          { name: w('subject'), cell: (row) => row.subject },
          { name: w('why'), cell: (row) => row.reason },
        ]}
      />
    </>
  );
}

const readDeeds = async (asked: Asked, before: string | undefined) => {
  const rest = filled(asked);
  const query = before === undefined ? rest : { ...rest, before };
  const page = await ask(api.GET('/api/v1/audit', { params: { query } }));
  return { rows: page.deeds, next: page.next };
};

/** Who did what. */
export function Deeds() {
  const [asked, setAsked] = useState(EMPTY);
  const { rows, more, wrong, busy } = usePages<Deed, string, Asked>(readDeeds, asked);
  return (
    <>
      <Filters onAsk={setAsked} deeds wrong={wrong} />
      <Listed
        caption={w('tab.deeds')}
        rows={rows}
        rowKey={(row) => `${row.line}-${row.subject}-${row.what}`}
        more={more}
        busy={busy}
        columns={[
          { name: w('at'), cell: (row) => dateAndTime(row.at) },
          { name: w('by'), cell: (row) => row.by },
          { name: w('deed'), cell: (row) => said(row.what) },
          { name: w('subject'), cell: (row) => row.subject },
          { name: w('line'), number: true, cell: (row) => row.line },
        ]}
      />
    </>
  );
}
