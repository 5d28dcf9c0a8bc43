/** Who keeps a record longer, and copies of it that leave the house; each with its reason. */
import { useId, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import { dateAndTime, now } from '../../clock';
import { Button } from '../../components/button';
import { CheckField, TextArea, TextField } from '../../components/field';
import { inWords, say } from '../../components/toast';
import { download } from '../auditor/download';
import { useExport } from '../auditor/exports';
import { may } from './may';
import type { Shown } from './record';
import { REASON_LEAST } from './search';
import { r } from './words';

function Hold({ whole, again }: Shown) {
  const id = useId();
  const [why, setWhy] = useState('');
  const [until, setUntil] = useState('');
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const held = whole.hold ?? null;
  const end = until ? new Date(`${until}T23:59:59`) : null;
  const past = end !== null && end.getTime() <= now.value;
  const set = (hold: boolean) => {
    setTried(true);
    if (!why.trim() || (hold && past)) return;
    const body = {
      hold,
      why: why.trim(),
      ...(hold && end ? { until: end.toISOString() } : {}),
    };
    ask(api.POST('/api/v1/incidents/{id}/hold', { params: { path: { id: whole.id } }, body })).then(
      () => {
        setWhy('');
        setTried(false);
        setWrong(undefined);
        say(r('done'), 'good');
        again((fresh) => Boolean(fresh.hold) === hold);
      },
      (error) => setWrong(inWords(error)),
    );
  };
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{r('hold')}</h2>
      <p class="hint">{r('hold.explain')}</p>
      <p role="status">
        {held
          ? r('hold.now', { by: held.by, at: dateAndTime(held.at), why: held.why })
          : r('hold.none')}
        {held?.until && ` (${r('hold.until', { until: dateAndTime(held.until) })})`}
      </p>
      <TextField
        label={r('hold.why')}
        value={why}
        onInput={setWhy}
        error={tried && !why.trim() ? r('tie.why_ask') : wrong}
      />
      {!held && (
        <TextField
          label={r('hold.end')}
          type="date"
          value={until}
          onInput={setUntil}
          error={past ? r('hold.past') : undefined}
        />
      )}
      <div class="row">
        {held ? (
          <Button onPress={() => set(false)}>{r('hold.release')}</Button>
        ) : (
          <Button onPress={() => set(true)}>{r('hold.set')}</Button>
        )}
      </div>
    </section>
  );
}

type Span = components['schemas']['AudioSpan'];

const seconds = (text: string): number | null => {
  const match = /^\s*(?:(\d+):)?(\d+(?:\.\d+)?)\s*$/.exec(text);
  return match ? Number(match[1] ?? 0) * 60 + Number(match[2]) : null;
};

/** The parts that were typed, or the number of the first line that is none. */
export function spans(text: string): { parts: Span[] } | { line: number } {
  const parts: Span[] = [];
  for (const [n, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const [from, to, more] = line.split('-').map(seconds);
    if (from == null || to == null || more !== undefined || to <= from) return { line: n + 1 };
    parts.push({ from, to });
  }
  return { parts };
}

function Reason(props: {
  value: string;
  onInput: (value: string) => void;
  wrong: string | undefined;
}) {
  return (
    <TextField
      label={r('reason')}
      hint={r('reason_hint')}
      value={props.value}
      onInput={props.onInput}
      error={props.wrong}
    />
  );
}

function Bundle({ id: incident }: { id: string }) {
  const id = useId();
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const { wrong, busy, run } = useExport();
  const short = reason.trim().length < REASON_LEAST;
  const name = `siaga112-${incident}.zip`;
  const go = () => {
    setTried(true);
    if (short) return;
    const url = `/api/v1/incidents/${incident}/bundle`;
    run(name, () => download(url, name, { reason: reason.trim() }));
  };
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{r('bundle')}</h2>
      <p class="hint">{r('bundle.explain')}</p>
      <Reason
        value={reason}
        onInput={setReason}
        wrong={tried && short ? r('reason_needed') : wrong}
      />
      <div class="row">
        <Button busy={busy} label={`${r('download')}: ${r('bundle')}`} onPress={go}>
          {r('download')}
        </Button>
      </div>
    </section>
  );
}

function Redacted({ id: incident }: { id: string }) {
  const id = useId();
  const [reason, setReason] = useState('');
  const [names, setNames] = useState(true);
  const [numbers, setNumbers] = useState(true);
  const [places, setPlaces] = useState(true);
  const [audio, setAudio] = useState(false);
  const [covered, setCovered] = useState('');
  const [tried, setTried] = useState(false);
  const { wrong, busy, run } = useExport();
  const short = reason.trim().length < REASON_LEAST;
  const read = spans(covered);
  const name = `siaga112-${incident}-redacted.zip`;
  const go = () => {
    setTried(true);
    if (short || 'line' in read) return;
    const body = { names, numbers, places, ...(audio ? { audio: read.parts } : {}) };
    const url = `/api/v1/incidents/${incident}/redacted`;
    run(name, () => download(url, name, { reason: reason.trim(), body }));
  };
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{r('redacted')}</h2>
      <p class="hint">{r('redacted.explain')}</p>
      <CheckField label={r('redacted.names')} checked={names} onInput={setNames} />
      <CheckField label={r('redacted.numbers')} checked={numbers} onInput={setNumbers} />
      <CheckField label={r('redacted.places')} checked={places} onInput={setPlaces} />
      {may('audio') && (
        <CheckField label={r('redacted.audio')} checked={audio} onInput={setAudio} />
      )}
      {audio && (
        <TextArea
          label={r('redacted.spans')}
          hint={r('redacted.spans_hint')}
          rows={3}
          value={covered}
          onInput={setCovered}
          error={'line' in read ? r('redacted.spans_wrong', { line: read.line }) : undefined}
        />
      )}
      <Reason
        value={reason}
        onInput={setReason}
        wrong={tried && short ? r('reason_needed') : wrong}
      />
      <div class="row">
        <Button busy={busy} label={`${r('download')}: ${r('redacted')}`} onPress={go}>
          {r('download')}
        </Button>
      </div>
    </section>
  );
}

export function Keep(shown: Shown) {
  return (
    <>
      {may('holds') && <Hold {...shown} />}
      {may('handing-out') && <Bundle id={shown.whole.id} />}
      {may('handing-out') && <Redacted id={shown.whole.id} />}
    </>
  );
}
