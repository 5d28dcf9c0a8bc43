/**
 * The wall board: what happens now, to be read from three metres. Figures of hour and day come from the
 * records and are asked for every 15 s; everything else is live.
 */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import type { LiveSeat } from '../../api/types';
import { secondsSince, span } from '../../clock';
import { Badge, seatTone } from '../../components/badge';
import { Button } from '../../components/button';
import { Icon } from '../../components/icon';
import { setting } from '../../kept';
import { calls, draining, seats, trunks } from '../../live/store';
import { laneName, pauseReason, seatState } from '../../messages';
import { said } from '../../messages/said';
import { ageOf } from './age';
import { Alarms } from './alarms';
import {
  goalTone,
  inLane,
  LANES,
  percent,
  seconds,
  TRUNK_TONES,
  trunkState,
  waiting,
  waitTone,
} from './board';
import { SeatState, Talks, WaitingCall } from './calls';
import { WarningSound } from './warning';
import { laneHint, trunkWord, w } from './words';

type Standards = components['schemas']['LiveStandards'];
type Figures = components['schemas']['Figures'];

const size = setting('wall', ['usual', 'wall'] as const, 'usual');
const standards = signal<Standards | null>(null);
/** How often figures from the records are asked for. */
const EACH_MS = 15_000;

function useFigures(): void {
  useEffect(() => {
    let timer = 0;
    const look = async () => {
      // Nothing shown is better than nothing at all: the last figures stay when one round fails.
      standards.value = await ask(api.GET('/api/v1/reports/live')).catch(() => standards.value);
      timer = window.setTimeout(look, EACH_MS);
    };
    look();
    return () => window.clearTimeout(timer);
  }, []);
}

function Numbers() {
  const waits = waiting(calls.value);
  const oldest = waits[0];
  const longest = oldest ? secondsSince(oldest.received_at) : 0;
  const free = seats.value.filter((seat) => seat.state === 'ready').length;
  const hour = standards.value?.hour.whole;
  return (
    <ul class="numbers">
      <li class={waits.length > 0 ? waitTone(longest) : 'plain'}>
        <span class="number">{waits.length}</span>
        <span>{w('waiting')}</span>
      </li>
      <li class={oldest ? waitTone(longest) : 'plain'}>
        <span class="number">{oldest ? span(longest) : '–'}</span>
        <span>{w('oldest')}</span>
      </li>
      <li class={free > 0 ? 'good' : 'bad'}>
        <span class="number">
          {free}
          <small> {w('seats_of', { n: seats.value.length })}</small>
        </span>
        <span>{w('seats_free')}</span>
      </li>
      <li class={goalTone(hour?.answered_10s)}>
        <span class="number">{percent(hour?.answered_10s)}</span>
        <span>
          {w('hour')}, {w('within', { n: 10 })}
        </span>
      </li>
    </ul>
  );
}

function Lanes() {
  return (
    <section class="card" aria-labelledby="waiting">
      <h2 id="waiting">{w('waiting')}</h2>
      <div class="lanes">
        {LANES.map((lane) => {
          const waits = inLane(calls.value, lane);
          return (
            <section key={lane} class="lane" aria-label={laneName(lane)}>
              <h3>
                {laneName(lane)} <span class="count">{waits.length}</span>
              </h3>
              <p class="hint">{laneHint(lane)}</p>
              {waits.length === 0 ? (
                <p class="muted">{w('nobody_waits')}</p>
              ) : (
                <ol>
                  {waits.map((call) => (
                    <WaitingCall key={call.id} call={call} />
                  ))}
                </ol>
              )}
            </section>
          );
        })}
      </div>
    </section>
  );
}

function Seat({ seat }: { seat: LiveSeat }) {
  return (
    <li class="seat">
      <div>
        <strong>{seat.id}</strong>
        <span class="muted">{seat.operator ?? w('nobody_sits')}</span>
      </div>
      <div class="row">
        <Badge tone={seatTone(seat.state)}>{seatState(seat.state)}</Badge>
        <span class="timer">{span(ageOf(seat))}</span>
      </div>
      {seat.reason && seat.state === 'paused' && <p class="muted">{pauseReason(seat.reason)}</p>}
      <SeatState seat={seat} />
    </li>
  );
}

function Answered() {
  const shown = standards.value;
  const rows: [string, (figures: Figures) => string][] = [
    [w('offered'), (f) => String(f.offered)],
    [w('within', { n: 10 }), (f) => percent(f.answered_10s)],
    [w('within', { n: 15 }), (f) => percent(f.answered_15s)],
    [w('within', { n: 20 }), (f) => percent(f.answered_20s)],
    [w('mean'), (f) => seconds(f.mean_ms)],
    [w('abandoned'), (f) => `${f.abandoned} (${percent(f.abandoned_share)})`],
  ];
  return (
    <section class="card" aria-labelledby="answered">
      <h2 id="answered">{w('answered')}</h2>
      <table>
        <caption class="quiet">{w('figures_caption')}</caption>
        <thead>
          <tr>
            <th scope="col">{w('measure')}</th>
            <th scope="col" class="number">
              {w('hour')}
            </th>
            <th scope="col" class="number">
              {w('day')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, of]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{shown ? of(shown.hour.whole) : '–'}</td>
              <td class="number">{shown ? of(shown.day.whole) : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="hint">{w('share_note')}</p>
    </section>
  );
}

function Trunks() {
  return (
    <section class="card" aria-labelledby="trunks">
      <h2 id="trunks">{w('trunks')}</h2>
      <ul class="list">
        {trunks.value.map((trunk) => {
          const state = trunkState(trunk);
          return (
            <li key={trunk.id} class="row">
              <strong>{trunk.id}</strong>
              <Badge tone={TRUNK_TONES[state]}>{trunkWord(state)}</Badge>
              <span>{w('trunk_calls', { n: trunk.calls })}</span>
              {trunk.line?.reason && <span class="muted">{said(trunk.line.reason)}</span>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

export function Wall() {
  useFigures();
  const large = size.value === 'wall';
  return (
    <div class={large ? 'wall large' : 'wall'}>
      {draining.value && (
        <p class="band warn" role="alert">
          <Icon name="warn" /> {w('draining')}
        </p>
      )}
      <Numbers />
      <div class="wall-columns">
        <div class="wall-main">
          <Lanes />
          <Talks />
          <section class="card" aria-labelledby="seats">
            <h2 id="seats">{w('seats')}</h2>
            <ul class="seats">
              {seats.value.map((seat) => (
                <Seat key={seat.id} seat={seat} />
              ))}
            </ul>
          </section>
        </div>
        <div class="wall-side">
          <Alarms />
          <Answered />
          <Trunks />
          <WarningSound />
          <Button
            pressed={large}
            onPress={() => {
              size.value = large ? 'usual' : 'wall';
            }}
          >
            {large ? w('wall_off') : w('wall_on')}
          </Button>
        </div>
      </div>
    </div>
  );
}
