/** Copies that leave the house: a bundle for a court, the data of one caller. Each says why, and stays on record. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Button } from '../../components/button';
import { CheckField, TextField } from '../../components/field';
import { download } from '../auditor/download';
import { useExport } from '../auditor/exports';
import { w } from './words';

const REASON_LEAST = 4;

function Form(props: {
  kind: 'bundle' | 'pack';
  label: string;
  url: (value: string) => string;
  name: (value: string) => string;
  body?: (value: string) => unknown;
  options?: ComponentChildren;
}) {
  const [value, setValue] = useState('');
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const { wrong, busy, run } = useExport();
  const [given, why] = [value.trim(), reason.trim()];
  const go = () => {
    setTried(true);
    if (!given || why.length < REASON_LEAST) return;
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
