/** My seat: where I sit, whether calls come, why not, and how long the wrap-up lasts. */
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import { Badge, seatTone } from '../../components/badge';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { Icon } from '../../components/icon';
import { Countdown } from '../../components/timer';
import { sayRefused } from '../../components/toast';
import { seats } from '../../live/store';
import { pauseReason, seatState } from '../../messages';
import { me } from '../../session';
import { HeadsetCheck } from './headset';
import { noMicrophone, phone } from './phone';
import { allow, silenced } from './ring';
import { mySeat, setStatus, sitAt } from './seat';
import { type Word, w } from './words';

const REASONS = ['break', 'prayer', 'meal', 'toilet', 'briefing', 'writing'] as const;

function PauseDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={w('pause.title')} onClose={onClose}>
      <div class="reasons">
        {REASONS.map((reason) => (
          <Button
            key={reason}
            size="large"
            onPress={() => {
              onClose();
              setStatus('paused', reason).catch(sayRefused);
            }}
          >
            {pauseReason(reason)}
          </Button>
        ))}
      </div>
    </Dialog>
  );
}

export function ChooseSeat() {
  return (
    <section class="card">
      <h1>{w('seat.none')}</h1>
      {!me.value?.operator && <p class="band warn">{w('seat.no_operator')}</p>}
      <div class="reasons">
        {seats.value.map((seat) => (
          <Button
            key={seat.id}
            size="large"
            disabled={Boolean(seat.operator) || !me.value?.operator}
            onPress={() => sitAt(seat.id).catch(sayRefused)}
          >
            {w('seat.sit', { seat: seat.id })}
            {seat.operator ? ` (${w('seat.taken', { name: seat.operator })})` : ''}
          </Button>
        ))}
      </div>
    </section>
  );
}

const PHONE_TONES = {
  off: 'plain',
  connecting: 'warn',
  registered: 'good',
  refused: 'bad',
  lost: 'bad',
} as const;

export function SeatBar() {
  const [pausing, setPausing] = useState(false);
  const [checking, setChecking] = useState(false);
  const seat = mySeat.value;
  if (!seat) return null;
  const free = ['paused', 'signed-out', 'wrap-up', 'resting'].includes(seat.state);
  const paused = seat.pauses.length > 0;
  const more = () =>
    ask(
      api.POST('/api/v1/seats/{id}/wrap-up', {
        params: { path: { id: seat.id } },
        body: { seconds: 60 },
      }),
    ).catch(sayRefused);
  const phoneWord: Word =
    phone.value === 'off' && seat.phones === 0 ? 'seat.no_phone' : `phone.${phone.value}`;
  return (
    <section class="seat-bar" aria-label={w('seat.mine')}>
      <strong>{seat.id}</strong>
      <div role="status" class="row">
        <Badge tone={seatTone(seat.state)}>{seatState(seat.state)}</Badge>
        {seat.pauses.map((reason) => (
          <span key={reason}>{pauseReason(reason)}</span>
        ))}
      </div>
      {seat.wrap_up_until && (
        <span class="row">
          {w('wrap')} <Countdown until={seat.wrap_up_until} />
          <Button keys="m" onPress={more}>
            {w('wrap.more')}
          </Button>
        </span>
      )}
      {(free || paused) && (
        <Button
          kind="go"
          icon="check"
          keys="r"
          onPress={() => {
            allow();
            setStatus('ready').catch(sayRefused);
          }}
        >
          {seat.state === 'wrap-up' && !paused ? w('wrap.done') : w('ready')}
        </Button>
      )}
      {!paused && (
        <Button icon="pause" keys="p" onPress={() => setPausing(true)}>
          {w('pause')}
        </Button>
      )}
      <Badge tone={phone.value === 'off' && seat.phones === 0 ? 'bad' : PHONE_TONES[phone.value]}>
        {w(phoneWord)}
      </Badge>
      <Button icon="mic" onPress={() => setChecking(true)}>
        {w('check.open')}
      </Button>
      {silenced.value && (
        <p class="band warn" role="alert">
          {w('sound.blocked')} <Button onPress={allow}>{w('sound.allow')}</Button>
        </p>
      )}
      {noMicrophone.value && (
        <p class="band bad" role="alert">
          <Icon name="stop" /> {w('check.no_microphone')}{' '}
          <Button icon="mic" onPress={() => setChecking(true)}>
            {w('check.title')}
          </Button>
        </p>
      )}
      {pausing && <PauseDialog onClose={() => setPausing(false)} />}
      {checking && <HeadsetCheck onClose={() => setChecking(false)} />}
    </section>
  );
}
