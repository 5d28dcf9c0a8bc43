/** Who waits, whom to call back, and what I took before. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { IncidentSummary, LiveCall, OpenWork } from '../../api/types';
import { dateAndTime, timeOfDay } from '../../clock';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { TextField } from '../../components/field';
import { Tabs } from '../../components/tabs';
import { Timer } from '../../components/timer';
import { sayRefused } from '../../components/toast';
import { seats, workOpen } from '../../live/store';
import { disposition, outcomeName, t } from '../../messages';
import { me } from '../../session';
import { Flags } from './call_card';
import { callingBack, mySeat, open, waiting } from './seat';
import { maybe, w } from './words';

function Waiting() {
  const seat = mySeat.value;
  const pick = (call: LiveCall) => {
    if (!seat) return;
    ask(
      api.POST('/api/v1/calls/{id}/pick-up', {
        params: { path: { id: call.id } },
        body: { seat: seat.id },
      }),
    ).catch(sayRefused);
  };
  const all = waiting.value;
  if (all.length === 0) return <p class="muted">{w('list.waiting_none')}</p>;
  return (
    <ul class="list">
      {all.map((call) => (
        <li key={call.id}>
          <span class="list-main">
            <strong class="mono">
              <Timer since={call.received_at} />
            </strong>{' '}
            {call.place.kecamatan?.name ?? call.queue}
          </span>
          <span class="row">
            <Flags call={call} />
          </span>
          <Button
            icon="phone"
            disabled={!seat || !['ready', 'wrap-up', 'paused', 'resting'].includes(seat.state)}
            onPress={() => pick(call)}
          >
            {w('list.pick_up')}
          </Button>
        </li>
      ))}
    </ul>
  );
}

function WorkList({ work, again }: { work: OpenWork[]; again: () => void }) {
  const [closing, setClosing] = useState<OpenWork | null>(null);
  const [why, setWhy] = useState('');
  const [tried, setTried] = useState(false);
  const seat = mySeat.value;
  const call = (one: OpenWork) => {
    if (!seat) return;
    callingBack.value = one.number ?? null;
    ask(
      api.POST('/api/v1/work-list/{id}/call', {
        params: { path: { id: one.id } },
        body: { seat: seat.id },
      }),
    ).then(again, (error) => {
      callingBack.value = null;
      sayRefused(error);
    });
  };
  const shut = () => {
    setTried(true);
    if (!closing || !why.trim()) return;
    ask(
      api.POST('/api/v1/work-list/{id}/close', {
        params: { path: { id: closing.id } },
        body: { why: why.trim() },
      }),
    ).then(() => {
      setClosing(null);
      again();
    }, sayRefused);
  };
  if (work.length === 0) return <p class="muted">{w('list.work_none')}</p>;
  return (
    <>
      <ul class="list">
        {work.map((one) => (
          <li key={one.id}>
            <span class="list-main">
              <strong class="mono">{one.number ?? w('work.number_none')}</strong>{' '}
              {maybe('work', one.kind)}, {timeOfDay(one.at)}
              {one.attempts.length > 0 && `, ${w('list.attempts', { n: one.attempts.length })}`}
            </span>
            <Button icon="phone" disabled={!one.number || !seat} onPress={() => call(one)}>
              {w('list.call')}
            </Button>
            <Button
              onPress={() => {
                setWhy('');
                setTried(false);
                setClosing(one);
              }}
            >
              {w('list.close')}
            </Button>
            <Button kind="quiet" onPress={() => open(one.incident)}>
              {w('list.open')}
            </Button>
          </li>
        ))}
      </ul>
      {closing && (
        <Dialog
          title={w('list.close')}
          onClose={() => setClosing(null)}
          foot={
            <Button kind="primary" onPress={shut}>
              {t('action.save')}
            </Button>
          }
        >
          <TextField
            label={w('list.close_why')}
            value={why}
            autofocus
            onInput={setWhy}
            error={tried && !why.trim() ? t('session.empty') : undefined}
          />
        </Dialog>
      )}
    </>
  );
}

function Recent({ recent }: { recent: IncidentSummary[] }) {
  if (recent.length === 0) return <p class="muted">{w('list.recent_none')}</p>;
  return (
    <ul class="list">
      {recent.map((one) => (
        <li key={one.call || one.id}>
          <span class="list-main">
            {dateAndTime(one.received_at)}{' '}
            <span class="mono">{one.caller_e164 ?? one.caller_number ?? ''}</span>{' '}
            <strong>
              {one.disposition ? disposition(one.disposition) : outcomeName(one.outcome ?? '')}
            </strong>
          </span>
          <Button kind="quiet" onPress={() => open(one.id)}>
            {w('list.open')}
          </Button>
        </li>
      ))}
    </ul>
  );
}

type Which = 'waiting' | 'work' | 'recent';

export function Lists() {
  const [which, setWhich] = useState<Which>('waiting');
  const [work, setWork] = useState<OpenWork[]>([]);
  const [recent, setRecent] = useState<IncidentSummary[]>([]);
  const readWork = useCallback(() => {
    ask(api.GET('/api/v1/work-list')).then(
      (told) => setWork(told.work),
      () => {},
    );
  }, []);
  const open_ = workOpen.value;
  // Read when somebody looks, and when the number of its entries changes.
  useEffect(() => {
    if (which === 'work' && open_ >= 0) readWork();
  }, [which, open_, readWork]);
  const talks = seats.value.find((seat) => seat.id === mySeat.value?.id)?.talks ?? 0;
  const operator = me.value?.operator;
  useEffect(() => {
    if (which !== 'recent' || talks < 0) return;
    // Without an operator no call is one's own, and others' need a reason.
    if (!operator) {
      setRecent([]);
      return;
    }
    const query = { operator, limit: 20 };
    ask(api.GET('/api/v1/incidents', { params: { query } })).then(
      (told) => setRecent(told.incidents),
      sayRefused,
    );
  }, [which, talks, operator]);
  return (
    <section class="card lists" aria-label={w('list.here')}>
      <Tabs<Which>
        label={w('list.here')}
        chosen={which}
        onChoose={setWhich}
        tabs={[
          { key: 'waiting', name: w('list.waiting', { n: waiting.value.length }) },
          { key: 'work', name: w('list.work', { n: Math.max(open_, 0) }) },
          { key: 'recent', name: w('list.recent') },
        ]}
      >
        {which === 'waiting' && <Waiting />}
        {which === 'work' && <WorkList work={work} again={readWork} />}
        {which === 'recent' && <Recent recent={recent} />}
      </Tabs>
    </section>
  );
}
