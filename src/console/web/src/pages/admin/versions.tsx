/** Every configuration that was in force: who, when, why, how it differed; and the way back. */
import { useEffect, useState } from 'preact/hooks';
import { api, ask, Refused } from '../../api/client';
import type { components } from '../../api/schema';
import { dateAndTime } from '../../clock';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import { Table } from '../../components/table';
import { inWords, say } from '../../components/toast';
import { t } from '../../messages';
import { Differences } from './difference';
import { load, shown } from './policy';
import { w } from './words';

type Version = components['schemas']['ShownVersion'];
type Whole = components['schemas']['WholeVersion'];

function OneVersion({ number, onClose }: { number: number; onClose: (done: boolean) => void }) {
  const [whole, setWhole] = useState<Whole | null>(null);
  const [why, setWhy] = useState('');
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const digest = shown.value?.digest;
  useEffect(() => {
    ask(api.GET('/api/v1/routing/versions/{number}', { params: { path: { number } } }))
      .then(setWhole)
      .catch((error) => setWrong(inWords(error)));
  }, [number]);
  const back = async () => {
    setTried(true);
    if (!why.trim() || !digest) return;
    try {
      const body = { version: number, base: digest, why: why.trim() };
      const done = await ask(api.POST('/api/v1/routing/rollback', { body }));
      await load();
      onClose(true);
      say(w('applied', { n: done.version }), 'good');
    } catch (error) {
      if (error instanceof Refused && error.status === 409) await load();
      setWrong(inWords(error));
    }
  };
  const isNow = whole !== null && whole.version.digest === digest;
  const foot = !isNow && whole && (
    <>
      <Button onPress={() => onClose(false)}>{t('action.cancel')}</Button>
      <Button kind="danger" onPress={back}>
        {w('roll_back')}
      </Button>
    </>
  );
  return (
    <Dialog
      title={w('version_title', { n: number })}
      onClose={() => onClose(false)}
      foot={foot}
      wide
    >
      {whole === null && !wrong && <p>{t('app.loading')}</p>}
      {whole?.changed.length === 0 && <p>{w('no_difference')}</p>}
      {whole && <Differences of={whole.changed} />}
      {whole && !isNow && (
        <>
          <p>{w('roll_back_detail')}</p>
          <TextField
            label={w('why')}
            hint={w('why_hint')}
            value={why}
            onInput={(text) => setWhy(text.slice(0, 200))}
            error={tried && !why.trim() ? w('why_needed') : undefined}
          />
        </>
      )}
      <div role="alert">
        {wrong && (
          <p class="error">
            <Icon name="stop" /> {wrong}
          </p>
        )}
      </div>
    </Dialog>
  );
}

export function Versions() {
  const [versions, setVersions] = useState<Version[] | null>(null);
  const [wrong, setWrong] = useState<string>();
  const [open, setOpen] = useState<number | null>(null);
  const look = async () => {
    try {
      await load();
      setVersions((await ask(api.GET('/api/v1/routing/versions'))).versions);
      setWrong(undefined);
    } catch (error) {
      setWrong(inWords(error));
    }
  };
  useEffect(() => {
    look();
  }, []);
  if (wrong) return <p class="error">{wrong}</p>;
  if (versions === null) return <p>{t('app.loading')}</p>;
  const running = versions.find((version) => version.digest === shown.value?.digest)?.number;
  return (
    <>
      <Table
        caption={w('versions_caption')}
        rows={versions}
        rowKey={(row) => String(row.number)}
        columns={[
          {
            name: w('version'),
            cell: (row) => (
              <span class="row">
                {row.number}
                {row.number === running && <Badge tone="good">{w('running')}</Badge>}
              </span>
            ),
          },
          { name: w('at'), cell: (row) => dateAndTime(row.at) },
          { name: w('by'), cell: (row) => row.by },
          {
            name: w('why'),
            cell: (row) => (
              <>
                {row.why}
                {row.brings_back != null && (
                  <span class="muted"> ({w('brings_back', { n: row.brings_back })})</span>
                )}
              </>
            ),
          },
          {
            name: w('actions'),
            cell: (row) => (
              <Button
                label={w('show_version', { n: row.number })}
                onPress={() => setOpen(row.number)}
              >
                {w('show')}
              </Button>
            ),
          },
        ]}
      />
      {open !== null && (
        <OneVersion
          number={open}
          onClose={(done) => {
            setOpen(null);
            if (done) look();
          }}
        />
      )}
    </>
  );
}
