/**
 * What a supervisor hears who does not look at the board: one tone for a new alarm, another one for a
 * caller who waits too long. Neither is like the ring of a call.
 */
import { useEffect } from 'preact/hooks';
import { now, secondsSince } from '../../clock';
import { Button } from '../../components/button';
import { CheckField } from '../../components/field';
import { setting } from '../../kept';
import { alarms, calls, known } from '../../live/store';
import { catalogue } from '../../messages';
import { allow, awake, silenced, tone, volume } from '../taker/ring';
import { waiting, waitTone } from './board';

const w = catalogue({
  id: {
    title: 'Bunyi peringatan',
    on: 'Bunyikan peringatan baru dan penunggu terlalu lama',
    try_alarm: 'Coba: peringatan',
    try_wait: 'Coba: menunggu terlalu lama',
    blocked: 'Peramban menahan bunyi.',
    allow: 'Nyalakan bunyi',
  },
  en: {
    title: 'Warning sounds',
    on: 'Sound for a new alarm and for who waits too long',
    try_alarm: 'Try: alarm',
    try_wait: 'Try: waiting too long',
    blocked: 'The browser holds sound back.',
    allow: 'Switch sound on',
  },
});

const sounds = setting('warnings', ['on', 'off'] as const, 'on');

/** Three deep strokes that climb. */
function soundAlarm(): void {
  const from = awake();
  const loud = volume.value / 100;
  for (const [n, hertz] of [392, 466, 554].entries()) {
    tone(from.currentTime + 0.05 + n * 0.3, hertz, 0.25, loud);
  }
}

/** Two pairs of short high strokes. */
function soundWait(): void {
  const from = awake();
  const loud = volume.value / 100;
  for (const [n, at] of [0, 0.18, 0.6, 0.78].entries()) {
    tone(from.currentTime + 0.05 + at, n % 2 === 0 ? 1319 : 1568, 0.13, loud);
  }
}

/** While somebody waits too long it sounds again after so many seconds. */
const AGAIN_SECONDS = 30;

/** Alarms that were there already, each as it was; null before the first were told. */
let seen: Map<string, string> | null = null;
/** Callers for whom it has sounded, and when it did last. */
let late = new Set<string>();
let soundedAt = 0;

function lookAtAlarms(): void {
  const open = alarms.value.filter((alarm) => !alarm.seen_by);
  // One that is told again while nobody has seen it is no new one.
  const here = new Map(open.map((alarm) => [alarm.id, alarm.first_at]));
  const fresh = [...here].some(([id, at]) => seen !== null && seen.get(id) !== at);
  seen = here;
  if (fresh && sounds.value === 'on') soundAlarm();
}

function lookAtWaits(): void {
  const over = waiting(calls.value).filter(
    (call) => waitTone(secondsSince(call.received_at)) === 'bad',
  );
  const fresh = over.some((call) => !late.has(call.id));
  late = new Set(over.map((call) => call.id));
  const again = over.length > 0 && now.value - soundedAt > AGAIN_SECONDS * 1000;
  if (!fresh && !again) return;
  soundedAt = now.value;
  if (sounds.value === 'on') soundWait();
}

/** Sounds as long as the page of supervisors is open. */
export function useWarnings(): void {
  const [shown, second, all, told] = [alarms.value, now.value, calls.value, known.value];
  useEffect(() => {
    if (told) lookAtAlarms();
    else seen = null;
  }, [shown, told]);
  useEffect(() => {
    lookAtWaits();
  }, [second, all]);
}

/** Whether it sounds, and what it sounds like. */
export function WarningSound() {
  return (
    <section class="card" aria-labelledby="warning-sounds">
      <h2 id="warning-sounds">{w('title')}</h2>
      <CheckField
        label={w('on')}
        checked={sounds.value === 'on'}
        onInput={(on) => {
          sounds.value = on ? 'on' : 'off';
        }}
      />
      {silenced.value && (
        <div class="row" role="alert">
          <span>{w('blocked')}</span>
          <Button icon="speaker" onPress={allow}>
            {w('allow')}
          </Button>
        </div>
      )}
      <div class="row">
        <Button icon="bell" onPress={soundAlarm}>
          {w('try_alarm')}
        </Button>
        <Button icon="clock" onPress={soundWait}>
          {w('try_wait')}
        </Button>
      </div>
    </section>
  );
}
