/** The last look before a change counts: what differs, what it would have meant for past calls, and why. */
import { useEffect, useState } from 'preact/hooks';
import { api, ask, Refused } from '../../api/client';
import type { components } from '../../api/schema';
import { dateAndTime, now } from '../../clock';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import { Table } from '../../components/table';
import { inWords, say } from '../../components/toast';
import { t } from '../../messages';
import { Differences } from './difference';
import { spoken } from './findings';
import { apply, draft, findings } from './policy';

import { w } from './words';

type Difference = components['schemas']['Difference'];
type Replayed = components['schemas']['Replayed'];

const day = (at: number) => new Date(at).toLocaleDateString('sv');
const WHY = 200;

function Replay({ of }: { of: Replayed }) {
  return (
    <div role="status" class="list">
      <p>
        <strong>
          {of.elsewhere === 0
            ? w('dry_none', { of: of.calls })
            : w('dry_some', { n: of.elsewhere, of: of.calls })}
        </strong>
      </p>
      {of.listed.length > 0 && (
        <Table
          caption={w('dry.caption')}
          quietCaption
          rows={of.listed}
          rowKey={(row) => row.call}
          columns={[
            { name: w('dry.at'), cell: (row) => dateAndTime(row.at) },
            { name: w('dry.trunk'), cell: (row) => row.trunk },
            { name: w('dry.now'), cell: (row) => row.now },
            { name: w('dry.then'), cell: (row) => row.then },
          ]}
        />
      )}
      {of.unread > 0 && <p class="muted">{w('dry_unread', { n: of.unread })}</p>}
      {!of.complete && <p class="muted">{w('dry_incomplete')}</p>}
    </div>
  );
}

export function Apply({ onClose }: { onClose: () => void }) {
  const [changed, setChanged] = useState<Difference[] | null>(null);
  const [since, setSince] = useState(day(now.peek() - 86_400_000));
  const [replayed, setReplayed] = useState<Replayed | null>(null);
  const [busy, setBusy] = useState<'dry' | 'apply' | null>(null);
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const [dryWrong, setDryWrong] = useState<string>();
  const { files, why } = draft.value;
  useEffect(() => {
    ask(api.POST('/api/v1/routing/diff', { body: { files } }))
      .then((found) => setChanged(found.changed))
      .catch((error) => setWrong(inWords(error)));
  }, [files]);
  const dry = async () => {
    setBusy('dry');
    setDryWrong(undefined);
    try {
      const found = await ask(api.POST('/api/v1/routing/dry-run', { body: { files, since } }));
      setReplayed(found.calls ?? null);
    } catch (error) {
      setDryWrong(inWords(error));
    } finally {
      setBusy(null);
    }
  };
  const adopt = async () => {
    setTried(true);
    if (!why.trim()) return;
    setBusy('apply');
    try {
      const version = await apply();
      onClose();
      say(w('applied', { n: version }), 'good');
    } catch (error) {
      if (error instanceof Refused && error.status === 409) onClose();
      setWrong(
        error instanceof Refused && error.problem?.findings?.length ? w('refused') : inWords(error),
      );
    } finally {
      setBusy(null);
    }
  };
  const foot = (
    <>
      <Button onPress={onClose}>{t('action.cancel')}</Button>
      <Button kind="primary" busy={busy === 'apply'} onPress={adopt}>
        {w('apply')}
      </Button>
    </>
  );
  const mistakes = findings.value.filter((one) => one.severity === 'error');
  return (
    <Dialog title={w('review')} onClose={onClose} foot={foot} wide>
      <h3>{w('diff')}</h3>
      {changed === null ? <p>{t('app.loading')}</p> : <Differences of={changed} />}
      <h3>{w('dry')}</h3>
      <div class="form-row">
        <TextField
          label={w('dry_since')}
          type="date"
          value={since}
          onInput={setSince}
          error={dryWrong}
        />
        <Button busy={busy === 'dry'} onPress={dry}>
          {w('dry_run')}
        </Button>
      </div>
      {replayed && <Replay of={replayed} />}
      <TextField
        label={w('why')}
        hint={w('why_hint')}
        value={why}
        onInput={(text) => {
          draft.value = { ...draft.value, why: text.slice(0, WHY) };
        }}
        error={tried && !why.trim() ? w('why_needed') : undefined}
      />
      <div role="alert">
        {wrong && (
          <p class="error">
            <Icon name="stop" /> {wrong}
          </p>
        )}
        {wrong &&
          mistakes.map((one) => (
            <p key={`${one.file}:${one.line}:${one.what}`}>
              <strong>
                {w('position', { file: one.file, line: one.line, column: one.column })}
              </strong>
              : {spoken(one).what}. {w('mend', { mend: spoken(one).mend })}
            </p>
          ))}
      </div>
    </Dialog>
  );
}
