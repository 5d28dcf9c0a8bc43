/** Copies that leave the house: a bundle for a court, a redacted copy, the data of one caller. Each says why, and stays on record. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Button } from '../../components/button';
import { CheckField, TextArea, TextField } from '../../components/field';
import { download } from '../auditor/download';
import { useExport } from '../auditor/exports';
import { w } from './words';

const REASON_LEAST = 4;

function Form(props: {
  kind: 'bundle' | 'redacted' | 'pack';
  label: string;
  url: (value: string) => string;
  name: (value: string) => string;
  body?: (value: string) => unknown;
  options?: ComponentChildren;
  /** The options can be used as they are. */
  ready?: boolean;
}) {
  const [value, setValue] = useState('');
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const { wrong, busy, run } = useExport();
  const [given, why] = [value.trim(), reason.trim()];
  const go = () => {
    setTried(true);
    if (!given || why.length < REASON_LEAST || props.ready === false) return;
    const name = props.name(given);
    const body = props.body?.(given);
    const asked = body === undefined ? { reason: why } : { reason: why, body };
    run(name, () => download(props.url(given), name, asked));
  };
  return (
    <section class="card" aria-labelledby={`h-${props.kind}`}>
      <h2 id={`h-${props.kind}`}>{w(`handing.${props.kind}`)}</h2>
      <p class="hint">{w(`handing.${props.kind}_hint`)}</p>
      <div class="form-row">
        <TextField
          label={props.label}
          value={value}
          onInput={setValue}
          error={tried && !given ? w('handing.needed') : wrong}
        />
        <TextField
          label={w('handing.reason')}
          hint={w('handing.reason_hint')}
          value={reason}
          onInput={setReason}
          error={tried && why.length < REASON_LEAST ? w('handing.reason_needed') : undefined}
        />
        <Button
          busy={busy}
          label={`${w('handing.download')}: ${w(`handing.${props.kind}`)}`}
          onPress={go}
        >
          {w('handing.download')}
        </Button>
      </div>
      {props.options}
    </section>
  );
}

/** What of a recording is taken out: `3.2-7.9`, one a line; null: a line that is no span. */
export function spans(text: string): { from: number; to: number }[] | null {
  const all: { from: number; to: number }[] = [];
  for (const line of text.split('\n').filter((one) => one.trim())) {
    const [, from, to] = /^\s*(\d+(?:[.,]\d+)?)\s*-\s*(\d+(?:[.,]\d+)?)\s*$/.exec(line) ?? [];
    if (from === undefined || to === undefined) return null;
    const span = { from: Number(from.replace(',', '.')), to: Number(to.replace(',', '.')) };
    if (span.to <= span.from) return null;
    all.push(span);
  }
  return all;
}

/** A copy without what tells of persons. */
function Redacted() {
  const [names, setNames] = useState(true);
  const [numbers, setNumbers] = useState(true);
  const [places, setPlaces] = useState(true);
  const [audio, setAudio] = useState(false);
  const [cut, setCut] = useState('');
  const [hidden, setHidden] = useState('');
  const [audible, unread] = [spans(cut), spans(hidden)];
  const body = () => ({
    names,
    numbers,
    places,
    ...(audio ? { audio: audible ?? [] } : {}),
    text: (unread ?? []).map((span) => ({ in: 'text', ...span })),
  });
  return (
    <Form
      kind="redacted"
      label={w('handing.incident')}
      url={(incident) => `/api/v1/incidents/${encodeURIComponent(incident)}/redacted`}
      name={(incident) => `siaga112-${incident}-redacted.zip`}
      body={body}
      ready={audible !== null && unread !== null}
      options={
        <>
          <div class="row">
            <CheckField label={w('handing.names')} checked={names} onInput={setNames} />
            <CheckField label={w('handing.numbers')} checked={numbers} onInput={setNumbers} />
            <CheckField label={w('handing.places')} checked={places} onInput={setPlaces} />
            <CheckField label={w('handing.audio')} checked={audio} onInput={setAudio} />
          </div>
          <div class="form-row">
            <TextArea
              label={w('handing.hidden')}
              hint={w('handing.hidden_hint')}
              rows={2}
              value={hidden}
              onInput={setHidden}
              error={unread ? undefined : w('handing.span')}
            />
            {audio && (
              <TextArea
                label={w('handing.cut')}
                hint={w('handing.cut_hint')}
                rows={2}
                value={cut}
                onInput={setCut}
                error={audible ? undefined : w('handing.span')}
              />
            )}
          </div>
        </>
      }
    />
  );
}

export function HandingOut() {
  const [audio, setAudio] = useState(true);
  const [others, setOthers] = useState(false);
  return (
    <>
      <p>{w('handing.intro')}</p>
      <Form
        kind="bundle"
        label={w('handing.incident')}
        url={(incident) => `/api/v1/incidents/${encodeURIComponent(incident)}/bundle`}
        name={(incident) => `siaga112-${incident}.zip`}
      />
      <Redacted />
      <Form
        kind="pack"
        label={w('handing.number')}
        url={() => '/api/v1/packs'}
        name={() => 'siaga112-pack.zip'}
        body={(number) => ({ number, audio, third_parties: others })}
        options={
          <div class="row">
            <CheckField label={w('handing.audio')} checked={audio} onInput={setAudio} />
            <CheckField label={w('handing.third')} checked={others} onInput={setOthers} />
          </div>
        }
      />
    </>
  );
}
