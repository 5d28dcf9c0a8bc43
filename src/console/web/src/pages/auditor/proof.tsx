/** Whether the record is whole: the signed heads of the journal, their copies, and a check that is begun here. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import { dateAndTime } from '../../clock';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import { Table } from '../../components/table';
import { inWords } from '../../components/toast';
import { t } from '../../messages';
import { said } from '../../messages/said';
import { faultPlace, w } from './words';

type State = components['schemas']['Proof'];
type Run = components['schemas']['ShownRun'];

/** How often a run that goes on is looked at. */
const EACH_MS = 2000;
/** So much of a hash tells two apart at a glance; the whole stands in its title. */
const SHORT = 16;

/** What was found: `what` is wrong, and `where`. */
interface Fault {
  where: string;
  what: string;
}

function faultsOf(run: Run): { faults: Fault[]; total: number; notes: string[] } {
  const report = (run.report ?? {}) as Record<string, unknown>;
  const list = (key: string) => (Array.isArray(report[key]) ? (report[key] as unknown[]) : []);
  const faults = list('faults').map((one): Fault => {
    const { what, place, why } = one as Record<string, unknown>;
    return { where: `${faultPlace(String(what))} ${place}`, what: String(why) };
  });
  const notes = list('notes').map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  return { faults, total: Number(report['faults_total'] ?? faults.length), notes };
}

const TONES = {
  running: 'busy',
  holds: 'good',
  faults: 'bad',
  failed: 'bad',
  stopped: 'warn',
} as const;

function Outcome({ run }: { run: Run }) {
  const outcome = run.outcome as keyof typeof TONES;
  const { faults, total, notes } = faultsOf(run);
  return (
    <div class="list">
      <p class="row" role="status">
        <Badge tone={TONES[outcome] ?? 'plain'}>{w(`run.${outcome}`)}</Badge>
        <span>
          {w('run.by', { by: run.by, at: dateAndTime(run.began) })}
          {run.since && ` ${w('run.since', { at: dateAndTime(run.since) })}`}
        </span>
        <span class="muted">{w('run.lines', { n: run.lines.toLocaleString() })}</span>
        {run.ended && <span class="muted">{w('run.ended', { at: dateAndTime(run.ended) })}</span>}
      </p>
      {run.error && (
        <p class="error">
          <Icon name="stop" /> {said(run.error)}
        </p>
      )}
      {total > 0 && (
        <>
          <p>
            <strong>{w('run.found', { n: total })}</strong>
          </p>
          <ul class="findings">
            {faults.map((one) => (
              <li key={`${one.where} ${one.what}`} class="error">
                <code>{one.where}</code> {said(one.what)}
              </li>
            ))}
          </ul>
        </>
      )}
      {notes.map((note) => (
        <p key={note} class="muted">
          {said(note)}
        </p>
      ))}
    </div>
  );
}

export function Proof() {
  const [state, setState] = useState<State | null>(null);
  const [since, setSince] = useState('');
  const [wrong, setWrong] = useState<string>();
  const [refused, setRefused] = useState<string>();
  const load = useCallback(
    () =>
      ask(api.GET('/api/v1/proof')).then(
        (found) => {
          setState(found);
          setWrong(undefined);
        },
        (error) => setWrong(inWords(error)),
      ),
    [],
  );
  useEffect(() => {
    load();
  }, [load]);
  const running = state?.verify?.outcome === 'running';
  useEffect(() => {
    if (!running) return;
    const timer = window.setInterval(load, EACH_MS);
    return () => window.clearInterval(timer);
  }, [running, load]);
  const act = (what: Promise<unknown>) =>
    what.then(
      () => {
        setRefused(undefined);
        return load();
      },
      (error) => setRefused(inWords(error)),
    );
  const begin = () => act(ask(api.POST('/api/v1/proof/verify', { body: since ? { since } : {} })));
  if (!state) return wrong ? <p class="error">{wrong}</p> : <p>{t('app.loading')}</p>;
  const bad = state.heads.filter((head) => !head.signature_ok).length;
  return (
    <>
      <section class="card" aria-labelledby="proof">
        <h2 id="proof">{w('tab.proof')}</h2>
        <p>{w('proof.intro')}</p>
        <p class="row" role="status">
          <Badge tone={bad > 0 ? 'bad' : 'good'}>
            {bad > 0 ? w('heads.bad', { n: bad }) : w('heads.good', { n: state.heads_total })}
          </Badge>
          <span>{w('proof.count', { n: state.lines.toLocaleString() })}</span>
        </p>
        {state.copy_to ? (
          <p>
            {state.copied_at
              ? w('copy.at', { to: state.copy_to, at: dateAndTime(state.copied_at) })
              : w('copy.not_yet', { to: state.copy_to })}
            {state.copy_wrong && <span class="error"> {said(state.copy_wrong)}</span>}
          </p>
        ) : (
          <p class="band warn">
            <Icon name="warn" /> {w('copy.none')}
          </p>
        )}
        {state.public_key && (
          <p>
            {w('proof.key')} <code class="break">{state.public_key}</code>
          </p>
        )}
      </section>
      <section class="card" aria-labelledby="verify">
        <h2 id="verify">{w('verify')}</h2>
        <p>{w('verify.hint')}</p>
        <div class="form-row">
          <TextField
            label={w('verify.since')}
            hint={w('verify.since_hint')}
            type="date"
            value={since}
            onInput={setSince}
            error={refused}
          />
          {running ? (
            <Button icon="close" onPress={() => act(ask(api.DELETE('/api/v1/proof/verify')))}>
              {w('verify.stop')}
            </Button>
          ) : (
            <Button kind="primary" onPress={begin}>
              {w('verify.begin')}
            </Button>
          )}
        </div>
        {state.verify ? <Outcome run={state.verify} /> : <p class="muted">{w('verify.never')}</p>}
        <p class="muted">
          {w('proof.command')} <code>siaga112 verify</code>
        </p>
      </section>
      <div class="card">
        <h2>{w('heads')}</h2>
        <Table
          caption={w('heads')}
          quietCaption
          rows={state.heads}
          rowKey={(row) => `${row.date}-${row.line}`}
          empty={w('heads.none')}
          columns={[
            { name: w('head.date'), cell: (row) => row.date },
            { name: w('head.signed'), cell: (row) => dateAndTime(row.signed_at) },
            { name: w('line'), number: true, cell: (row) => row.line },
            {
              name: w('head.hash'),
              cell: (row) => <code title={row.hash}>{row.hash.slice(0, SHORT)}…</code>,
            },
            {
              name: w('head.signature'),
              cell: (row) =>
                row.signature_ok ? (
                  <Badge tone="good">{w('head.ok')}</Badge>
                ) : (
                  <>
                    <Badge tone="bad">{w('head.wrong')}</Badge> {row.wrong && said(row.wrong)}
                  </>
                ),
            },
            {
              name: w('head.copied'),
              cell: (row) => (row.copied_at ? dateAndTime(row.copied_at) : '–'),
            },
          ]}
        />
      </div>
    </>
  );
}
