/** The last words of the caller once more, while the talk goes on; only the operator hears them. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Refused } from '../../api/client';
import type { LiveCall, Problem } from '../../api/types';
import { Button } from '../../components/button';
import { sayRefused } from '../../components/toast';
import { catalogue } from '../../messages';
import { speaker } from './phone';

const w = catalogue({
  id: {
    again: 'Dengar lagi {n} detik terakhir',
    stop: 'Hentikan putar ulang',
    label: 'Putar ulang kata-kata terakhir',
  },
  en: {
    again: 'Hear the last {n} seconds again',
    stop: 'Stop hearing it again',
    label: 'The last words again',
  },
});

const SECONDS = 30;

async function fetchLast(call: string): Promise<Blob> {
  const answer = await fetch(`/api/v1/calls/${call}/replay?seconds=${SECONDS}`, {
    headers: { 'x-siaga112': '1' },
    credentials: 'same-origin',
  }).catch(() => {
    throw new Refused(0, null);
  });
  if (answer.ok) return answer.blob();
  throw new Refused(answer.status, (await answer.json().catch(() => null)) as Problem | null);
}

export function Replay({ call }: { call: LiveCall }) {
  const [source, setSource] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const audio = useRef<HTMLAudioElement>(null);
  useEffect(
    () => () => {
      if (source) URL.revokeObjectURL(source);
    },
    [source],
  );
  const play = async () => {
    setBusy(true);
    try {
      setSource(URL.createObjectURL(await fetchLast(call.id)));
    } catch (error) {
      sayRefused(error);
    } finally {
      setBusy(false);
    }
  };
  const to = speaker.value;
  useEffect(() => {
    const here = audio.current;
    if (!source || !here) return;
    // It is heard where the caller is heard.
    const ready = to && 'setSinkId' in here ? here.setSinkId(to) : Promise.resolve();
    ready
      .catch(() => {})
      .then(() => here.play())
      .catch(() => {});
  }, [source, to]);
  return (
    <div class="row">
      <Button
        icon={source ? 'stop' : 'back'}
        keys="r"
        busy={busy}
        onPress={() => (source ? setSource(null) : play())}
      >
        {source ? w('stop') : w('again', { n: SECONDS })}
      </Button>
      {source && (
        // biome-ignore lint/a11y/useMediaCaption: it was said a moment ago, nobody has written it down
        <audio
          ref={audio}
          controls
          src={source}
          aria-label={w('label')}
          onEnded={() => setSource(null)}
        />
      )}
    </div>
  );
}
