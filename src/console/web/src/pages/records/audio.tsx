/** What was said and written in a call. Hearing a recording needs a reason, which the access log keeps. */
import { useEffect, useId, useState } from 'preact/hooks';
import { Refused } from '../../api/client';
import type { Incident, Problem } from '../../api/types';
import { dateAndTime, span } from '../../clock';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { TextField } from '../../components/field';
import { inWords } from '../../components/toast';
import { steps } from './arrival';
import { may } from './may';
import { REASON_LEAST } from './search';
import { audioState, r } from './words';

interface Piece {
  key: string;
  name: string;
  url: string;
  state: string;
  millis: number | null | undefined;
  why: string | null | undefined;
}

function pieces(whole: Incident): Piece[] {
  const files = [whole.recording, ...(whole.further_recordings ?? [])].filter((one) => one != null);
  const own = files.map((file) => ({
    key: `part ${file.part ?? 1}`,
    name: r('audio.part', { n: file.part ?? 1 }),
    url: `/api/v1/incidents/${whole.id}/recording?part=${file.part ?? 1}`,
    state: file.state,
    millis: file.millis,
    why: file.why,
  }));
  const back = (whole.work ?? []).flatMap((work) => work.attempts);
  const calledBack = back.map((attempt) => ({
    key: attempt.call,
    name: r('audio.call_back', { at: dateAndTime(attempt.at) }),
    url: `/api/v1/incidents/${attempt.call}/recording?part=1`,
    state: attempt.outcome === 'answered' ? 'sealed' : '',
    millis: null,
    why: null,
  }));
  return [...own, ...calledBack.filter((one) => one.state)];
}

/** Fetched whole, so that the reason stands in a header and any moment can be gone to. */
async function fetchAudio(url: string, reason: string): Promise<string> {
  const answer = await fetch(url, {
    headers: { 'x-siaga112': '1', 'siaga112-reason': encodeURIComponent(reason) },
    credentials: 'same-origin',
  }).catch(() => {
    throw new Refused(0, null);
  });
  if (!answer.ok) {
    throw new Refused(answer.status, (await answer.json().catch(() => null)) as Problem | null);
  }
  return URL.createObjectURL(await answer.blob());
}

function Recordings({ whole }: { whole: Incident }) {
  const id = useId();
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const [playing, setPlaying] = useState<{ key: string; source: string } | null>(null);
  useEffect(() => {
    const source = playing?.source;
    return () => {
      if (source) URL.revokeObjectURL(source);
    };
  }, [playing]);
  const all = pieces(whole);
  const heard = all.find((piece) => piece.key === playing?.key)?.name ?? '';
  const short = reason.trim().length < REASON_LEAST;
  const play = async (piece: Piece) => {
    setTried(true);
    if (short) return;
    setBusy(true);
    setWrong(undefined);
    try {
      setPlaying({ key: piece.key, source: await fetchAudio(piece.url, reason.trim()) });
    } catch (error) {
      setWrong(inWords(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{r('audio')}</h2>
      {all.length === 0 && <p class="muted">{r('audio.none')}</p>}
      {all.length > 0 && !may('audio') && <p class="muted">{r('audio.no_right')}</p>}
      {all.length > 0 && may('audio') && (
        <TextField
          label={r('reason')}
          hint={r('reason_hint')}
          value={reason}
          onInput={setReason}
          error={tried && short ? r('reason_needed') : wrong}
        />
      )}
      <ul class="list">
        {all.map((piece) => (
          <li key={piece.key} class="row">
            <strong>{piece.name}</strong>
            <Badge tone={piece.state === 'failed' ? 'warn' : 'plain'}>
              {audioState(piece.state)}
            </Badge>
            {piece.millis != null && <span>{span(Math.round(piece.millis / 1000))}</span>}
            {piece.why && <span class="muted">{piece.why}</span>}
            {may('audio') && piece.state !== 'deleted' && piece.state !== 'recording' && (
              <Button
                icon="play"
                busy={busy}
                label={r('audio.play_of', { name: piece.name })}
                onPress={() => play(piece)}
              >
                {r('audio.play')}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {playing && (
        <>
          <p class="muted">
            {heard}. {r('audio.sides')}
          </p>
          {/* biome-ignore lint/a11y/useMediaCaption: what was written in the call stands below */}
          <audio controls autoplay src={playing.source} aria-label={heard} />
        </>
      )}
    </section>
  );
}

function Written({ whole }: { whole: Incident }) {
  const id = useId();
  const lines = steps(whole).filter((step) => step.fact === 'text-written');
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{r('text')}</h2>
      {lines.length === 0 && <p class="muted">{r('text.none')}</p>}
      <ul class="conversation">
        {lines.map((line) => (
          <li key={line.seq}>
            <span class="muted">
              {dateAndTime(String(line['began'] ?? line.at))}{' '}
              {line['by'] === 'caller' ? r('text.caller') : String(line['name'] ?? line['by'])}
            </span>
            <p>{String(line['text'] ?? '')}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Audio({ whole }: { whole: Incident }) {
  return (
    <div class="record-cards">
      <Recordings whole={whole} />
      <Written whole={whole} />
    </div>
  );
}
