/** What may leave the gateway, each with its reason where it tells of persons. */
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { IncidentSummary } from '../../api/types';
import { now } from '../../clock';
import { Button } from '../../components/button';
import { SelectField, TextField } from '../../components/field';
import { inWords, say } from '../../components/toast';
import { download, save } from './download';
import { w } from './words';

const day = (at: number) => new Date(at).toLocaleDateString('sv');
const MOST = 5000;

/** Runs one export, and says what came of it: beside the button when it was refused. */
export function useExport() {
  const [wrong, setWrong] = useState<string>();
  const [busy, setBusy] = useState(false);
  const run = async (name: string, work: () => Promise<void>) => {
    setBusy(true);
    setWrong(undefined);
    try {
      await work();
      say(w('export.done', { name }), 'good');
    } catch (error) {
      setWrong(inWords(error));
    } finally {
      setBusy(false);
    }
  };
  return { wrong, busy, run, setWrong };
}

const BYS = ['queue', 'trunk', 'hour', 'operator'] as const;

function Standards() {
  const [since, setSince] = useState(day(now.peek() - 6 * 86_400_000));
  const [until, setUntil] = useState(day(now.peek() + 86_400_000));
  const [by, setBy] = useState<(typeof BYS)[number]>('queue');
  const { wrong, busy, run } = useExport();
  const name = `siaga112-${by}-${since}.csv`;
  const url = `/api/v1/reports/standards?since=${since}&until=${until}&by=${by}&format=csv`;
  return (
    <section class="card" aria-labelledby="e-standards">
      <h2 id="e-standards">{w('export.standards')}</h2>
      <div class="form-row">
        <TextField label={w('since')} type="date" value={since} onInput={setSince} error={wrong} />
        <TextField label={w('until')} type="date" value={until} onInput={setUntil} />
        <SelectField
          label={w('export.split')}
          value={by}
          onInput={(value) => setBy(BYS.find((one) => one === value) ?? 'queue')}
          choices={BYS.map((value) => ({ value, label: w(`export.by.${value}`) }))}
        />
        <Button busy={busy} onPress={() => run(name, () => download(url, name))}>
          {w('export.csv')}
        </Button>
      </div>
    </section>
  );
}

/** The ISO 8601 week of a moment, `2026-W48`. */
export function week(at: number): string {
  const date = new Date(at);
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate());
  thursday.setDate(thursday.getDate() + 4 - (thursday.getDay() || 7));
  const first = new Date(thursday.getFullYear(), 0, 1);
  const number = Math.ceil(((thursday.getTime() - first.getTime()) / 86_400_000 + 1) / 7);
  return `${thursday.getFullYear()}-W${String(number).padStart(2, '0')}`;
}

function Sheet({ kind }: { kind: 'week' | 'month' }) {
  const start = kind === 'week' ? week(now.peek()) : day(now.peek()).slice(0, 7);
  const [value, setValue] = useState(start);
  const { wrong, busy, run } = useExport();
  const report = kind === 'week' ? 'ciamis' : 'national';
  const name = `siaga112-${value}.csv`;
  const url = `/api/v1/reports/${report}?${kind}=${encodeURIComponent(value)}&format=csv`;
  return (
    <section class="card" aria-labelledby={`e-${kind}`}>
      <h2 id={`e-${kind}`}>{w(`export.${kind}`)}</h2>
      <div class="form-row">
        <TextField label={w(`export.${kind}_of`)} value={value} onInput={setValue} error={wrong} />
        <Button busy={busy} onPress={() => run(name, () => download(url, name))}>
          {w('export.csv')}
        </Button>
      </div>
    </section>
  );
}

/** Columns of the list, in the order of the file. */
const COLUMNS = [
  'id',
  'call',
  'received_at',
  'ended_at',
  'trunk',
  'queue',
  'seat',
  'operator',
  'outcome',
  'answer_ms',
  'duration_ms',
  'disposition',
  'category',
  'kecamatan',
] as const satisfies readonly (keyof IncidentSummary)[];

/** A list as CSV (RFC 4180); what a spreadsheet would take for a formula is made text. */
export function csv(rows: IncidentSummary[]): string {
  const cell = (value: unknown) => {
    const text = value == null ? '' : String(value);
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(','));
  return [COLUMNS.join(','), ...lines, ''].join('\r\n');
}

async function records(since: string, until: string, reason: string): Promise<IncidentSummary[]> {
  const rows: IncidentSummary[] = [];
  let before: string | null | undefined;
  do {
    const query = { since, until, limit: 500, ...(before ? { before } : {}) };
    // In a header, so that it stands in no address.
    const headers = { 'siaga112-reason': encodeURIComponent(reason) };
    const page = await ask(api.GET('/api/v1/incidents', { params: { query }, headers }));
    rows.push(...page.incidents);
    before = page.next;
  } while (before && rows.length < MOST);
  return rows.slice(0, MOST);
}

function Records() {
  const [since, setSince] = useState(day(now.peek()));
  const [until, setUntil] = useState(day(now.peek() + 86_400_000));
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const { wrong, busy, run } = useExport();
  const short = reason.trim().length < 4;
  const go = (form: 'csv' | 'json') => {
    setTried(true);
    if (short) return;
    const name = `siaga112-records-${since}.${form}`;
    run(name, async () => {
      const rows = await records(since, until, reason.trim());
      const text = form === 'csv' ? csv(rows) : JSON.stringify(rows, null, 2);
      const type = form === 'csv' ? 'text/csv' : 'application/json';
      save(new Blob([text], { type: `${type};charset=utf-8` }), name);
    });
  };
  return (
    <section class="card" aria-labelledby="e-list">
      <h2 id="e-list">{w('export.list')}</h2>
      <p class="hint">{w('export.list_hint')}</p>
      <div class="form-row">
        <TextField label={w('since')} type="date" value={since} onInput={setSince} error={wrong} />
        <TextField label={w('until')} type="date" value={until} onInput={setUntil} />
        <TextField
          label={w('export.reason')}
          hint={w('export.reason_hint')}
          value={reason}
          onInput={setReason}
          error={tried && short ? w('export.reason_needed') : undefined}
        />
        <div class="row">
          <Button busy={busy} onPress={() => go('csv')}>
            {w('export.csv')}
          </Button>
          <Button busy={busy} onPress={() => go('json')}>
            {w('export.json')}
          </Button>
        </div>
      </div>
    </section>
  );
}

function One() {
  const [incident, setIncident] = useState('');
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const { wrong, busy, run } = useExport();
  const short = reason.trim().length < 4;
  const missing = !incident.trim();
  const go = () => {
    setTried(true);
    if (short || missing) return;
    const id = incident.trim();
    const name = `siaga112-${id}.json`;
    const url = `/api/v1/incidents/${encodeURIComponent(id)}/eido`;
    run(name, () => download(url, name, { reason: reason.trim() }));
  };
  const incidentError = tried && missing ? w('export.one_needed') : wrong;
  return (
    <section class="card" aria-labelledby="e-one">
      <h2 id="e-one">{w('export.one')}</h2>
      <p class="hint">{w('export.one_hint')}</p>
      <div class="form-row">
        <TextField
          label={w('incident')}
          value={incident}
          onInput={setIncident}
          error={incidentError}
        />
        <TextField
          label={w('export.reason')}
          hint={w('export.reason_hint')}
          value={reason}
          onInput={setReason}
          error={tried && short ? w('export.reason_needed') : undefined}
        />
        <Button busy={busy} onPress={go}>
          {w('export.eido')}
        </Button>
      </div>
    </section>
  );
}

export function Exports() {
  return (
    <>
      <Records />
      <One />
      <Standards />
      <Sheet kind="week" />
      <Sheet kind="month" />
    </>
  );
}
