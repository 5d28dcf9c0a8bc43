/** Lets a caller who waits, wait elsewhere or with another priority. */
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { LiveCall } from '../../api/types';
import { secondsSince, span } from '../../clock';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { SelectField } from '../../components/field';
import { inWords, say } from '../../components/toast';
import { queues } from '../../live/store';
import { laneName, t } from '../../messages';
import { callerName } from './board';
import { w } from './words';

export function Move({ call, onClose }: { call: LiveCall; onClose: () => void }) {
  const [queue, setQueue] = useState('');
  const [priority, setPriority] = useState('');
  const [lane, setLane] = useState('');
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const nothing = queue === '' && priority === '' && lane === '';
  const move = async () => {
    setTried(true);
    if (nothing) return;
    try {
      const body = {
        ...(queue === '' ? {} : { queue }),
        ...(priority === '' ? {} : { priority: Number(priority) }),
        ...(lane === '' ? {} : { lane }),
      };
      const params = { path: { id: call.id } };
      await ask(api.POST('/api/v1/calls/{id}/move', { params, body }));
      onClose();
      say(w('done'), 'good');
    } catch (error) {
      setWrong(inWords(error));
    }
  };
  const foot = (
    <>
      <Button onPress={onClose}>{t('action.cancel')}</Button>
      <Button kind="primary" onPress={move}>
        {w('move')}
      </Button>
    </>
  );
  const same = { value: '', label: w('as_it_is') };
  const who = callerName(call) || w('no_number');
  return (
    <Dialog title={w('move_title')} onClose={onClose} foot={foot}>
      <p>{w('call_of', { who, span: span(secondsSince(call.received_at)) })}</p>
      <SelectField
        label={w('move_queue')}
        value={queue}
        onInput={setQueue}
        error={tried && nothing ? w('move_nothing') : wrong}
        choices={[
          same,
          ...queues.value
            .filter(({ id }) => id !== call.queue)
            .map(({ id }) => ({ value: id, label: id })),
        ]}
      />
      <SelectField
        label={w('move_priority')}
        value={priority}
        onInput={setPriority}
        choices={[
          same,
          ...[9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => ({ value: `${n}`, label: `${n}` })),
        ]}
      />
      <SelectField
        label={w('move_lane')}
        value={lane}
        onInput={setLane}
        choices={[
          same,
          ...['usual', 'silent', 'nuisance']
            .filter((one) => one !== call.lane)
            .map((value) => ({ value, label: laneName(value) })),
        ]}
      />
    </Dialog>
  );
}
