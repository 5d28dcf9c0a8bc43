/** Marks on numbers: of the number of one record, and all that stand. A mark only lets further calls wait longer. */
import { useEffect, useId, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import { dateAndTime } from '../../clock';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { SelectField, TextField } from '../../components/field';
import { Table } from '../../components/table';
import { inWords, say, sayRefused } from '../../components/toast';
import { disposition } from '../../messages';
import { may } from './may';
import type { Shown } from './record';
import { searchNumber } from './search';
import { r } from './words';

type Marked = components['schemas']['MarkedNumber'];

/** What a call must have been for its number to be marked. */
const KINDS = ['prank', 'ghost', 'information'] as const;
const HOURS_MOST = 8760;

function useMarks() {
  const [marks, setMarks] = useState<Marked[] | null>(null);
  const look = () => ask(api.GET('/api/v1/marks')).then((told) => setMarks(told.marks), sayRefused);
  useEffect(() => {
    look();
  }, []);
  return { marks, look };
}

export function Marks({ whole, again }: Shown) {
  const id = useId();
  const { marks, look } = useMarks();
  const [kind, setKind] = useState<string>(KINDS[0]);
  const [hours, setHours] = useState('24');
  const [wrong, setWrong] = useState<string>();
  if (!may('marks') || !whole.caller_raw) return null;
  const own = marks?.find((one) => one.number === (whole.caller_e164 ?? whole.caller_raw));
  const params = { path: { id: whole.id } };
  const mark = () => {
    const n = Number(hours);
    if (!Number.isInteger(n) || n < 1 || n > HOURS_MOST) {
      setWrong(r('marks.hours_wrong'));
      return;
    }
    setWrong(undefined);
    // What somebody else has judged since this page read the record is a conflict, not overwritten.
    const version = whole.written?.version ?? 0;
    const body = { disposition: kind, nuisance: true, hours: n, version };
    ask(api.POST('/api/v1/incidents/{id}/disposition', { params, body })).then(
      () => {
        say(r('done'), 'good');
        look();
        again((fresh) => fresh.disposition === kind);
      },
      (error) => setWrong(inWords(error)),
    );
  };
  const clear = () =>
    ask(api.DELETE('/api/v1/incidents/{id}/nuisance', { params })).then(() => {
      say(r('done'), 'good');
      look();
    }, sayRefused);
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{r('marks')}</h2>
      <p class="hint">{r('marks.explain')}</p>
      <div role="status">
        {own ? (
          <Badge tone="warn">
            {r('marks.until', { until: dateAndTime(own.until), by: own.by, n: own.times })}
          </Badge>
        ) : (
          <p class="muted">{r('marks.none')}</p>
        )}
      </div>
      {own && <Button onPress={clear}>{r('marks.clear')}</Button>}
      {may('judgement') && (
        <div class="form-row">
          <SelectField
            label={r('marks.kind')}
            value={kind}
            onInput={setKind}
            choices={KINDS.map((value) => ({ value, label: disposition(value) }))}
          />
          <TextField
            label={r('marks.hours')}
            inputMode="numeric"
            value={hours}
            onInput={setHours}
            error={wrong}
          />
          <Button onPress={mark}>{r('marks.set')}</Button>
        </div>
      )}
    </section>
  );
}

/** All marks that stand. */
export function MarkList() {
  const { marks } = useMarks();
  if (marks === null) return null;
  return (
    <Table<Marked>
      caption={r('marks.list')}
      quietCaption
      rows={marks}
      rowKey={(one) => one.number}
      empty={r('marks.list_none')}
      columns={[
        { name: r('marks.number'), cell: (one) => <span class="mono">{one.number}</span> },
        { name: r('marks.times'), number: true, cell: (one) => one.times },
        { name: r('marks.by'), cell: (one) => one.by },
        { name: r('marks.at'), cell: (one) => dateAndTime(one.at) },
        { name: r('marks.expires'), cell: (one) => dateAndTime(one.until) },
        {
          name: r('open'),
          cell: (one) => (
            <Button
              label={`${r('marks.find')}: ${one.number}`}
              onPress={() => searchNumber(one.number)}
            >
              {r('marks.find')}
            </Button>
          ),
        },
      ]}
    />
  );
}
