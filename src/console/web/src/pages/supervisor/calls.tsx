/**
 * Calls on the wall board and what a supervisor does in them: listen, whisper, join in, take over, move, give
 * to a seat; and the state of a seat. What hurts asks first.
 */
import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { LiveCall, LiveSeat, Party } from '../../api/types';
import { secondsSince, span } from '../../clock';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { Confirm, Dialog } from '../../components/dialog';
import { SelectField, TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import { inWords, say, sayRefused } from '../../components/toast';
import { read, write } from '../../kept';
import { calls, seats } from '../../live/store';
import { flagName, t } from '../../messages';
import { me } from '../../session';
import { callerName, servedAlone, talking, waitTone } from './board';
import { Move } from './move';
import { partWord, w } from './words';

/** Who may act in calls; others see them only. */
export const acts = () => me.value?.role === 'supervisor';
const mayForce = () => me.value?.role === 'supervisor' || me.value?.role === 'admin';

const chosenSeat = signal(read('listening-seat') ?? '');

/** The seat whose phone rings when its supervisor listens. */
export function mySeat(): string {
  const known = seats.value.some((seat) => seat.id === chosenSeat.value);
  if (known) return chosenSeat.value;
  const operator = me.value?.operator;
  return seats.value.find((seat) => operator && seat.operator === operator)?.id ?? '';
}

function Facts({ call }: { call: LiveCall }) {
  const guess = call.place.kecamatan;
  return (
    <>
      <div class="row">
        <strong>{callerName(call) || w('no_number')}</strong>
        {call.trunk && <span class="muted">{call.trunk}</span>}
        {call.queue && <span class="muted">{call.queue}</span>}
      </div>
      <p>
        <Icon name="place" />{' '}
        {guess ? w('probably', { place: guess.name, percent: guess.percent }) : w('place_unknown')}
      </p>
      {call.flags.length > 0 && (
        <p class="row">
          {call.flags.map((flag) => (
            <Badge key={flag}>{flagName(flag)}</Badge>
          ))}
        </p>
      )}
    </>
  );
}

export function WaitingCall({ call }: { call: LiveCall }) {
  const [open, setOpen] = useState<'give' | 'move' | null>(null);
  const waits = secondsSince(call.received_at);
  const close = () => setOpen(null);
  return (
    <li class={`waits ${waitTone(waits)}`}>
      <div class="row spread">
        <span class="big timer">{span(waits)}</span>
        <span>{w('priority', { n: call.priority })}</span>
      </div>
      <Facts call={call} />
      {call.state === 'ringing' && call.seat && (
        <p>
          <Icon name="bell" /> {w('rings_at', { seat: call.seat })}
        </p>
      )}
      {acts() && (
        <div class="row">
          <Button icon="transfer" onPress={() => setOpen('move')}>
            {w('move')}
          </Button>
          <Button icon="phone" onPress={() => setOpen('give')}>
            {w('give')}
          </Button>
        </div>
      )}
      {open === 'move' && <Move call={call} onClose={close} />}
      {open === 'give' && <Give call={call} onClose={close} />}
    </li>
  );
}

function Give({ call, onClose }: { call: LiveCall; onClose: () => void }) {
  const free = seats.value.filter((seat) => seat.state === 'ready');
  const [seat, setSeat] = useState(free[0]?.id ?? '');
  const [wrong, setWrong] = useState<string>();
  const give = async () => {
    try {
      const params = { path: { id: call.id } };
      await ask(api.POST('/api/v1/calls/{id}/pick-up', { params, body: { seat } }));
      onClose();
      say(w('done'), 'good');
    } catch (error) {
      setWrong(inWords(error));
    }
  };
  const foot = (
    <>
      <Button onPress={onClose}>{t('action.cancel')}</Button>
      <Button kind="primary" disabled={!seat} onPress={give}>
        {w('give')}
      </Button>
    </>
  );
  const who = callerName(call) || w('no_number');
  return (
    <Dialog title={w('give_title')} onClose={onClose} foot={foot}>
      <p>{w('call_of', { who, span: span(secondsSince(call.received_at)) })}</p>
      <SelectField
        label={w('give_seat')}
        value={seat}
        onInput={setSeat}
        error={free.length === 0 ? w('no_free_seat') : wrong}
        choices={free.map((each) => ({
          value: each.id,
          label: each.operator ? `${each.id} (${each.operator})` : each.id,
        }))}
      />
    </Dialog>
  );
}

type Part = 'listen' | 'whisper' | 'talk';

/** Brings the supervisor's phone into a call, or gives it another part there. */
async function takePart(call: LiveCall, mine: Party | undefined, part: Part): Promise<void> {
  if (mine) {
    const params = { path: { id: call.id, party: mine.party } };
    await ask(api.PATCH('/api/v1/calls/{id}/parties/{party}', { params, body: { part } }));
    return;
  }
  const params = { path: { id: call.id } };
  await ask(api.POST('/api/v1/calls/{id}/parties', { params, body: { to: mySeat(), part } }));
  say(w('you_ring', { seat: mySeat() }), 'busy');
}

function Talk({ call }: { call: LiveCall }) {
  const [asked, setAsked] = useState<'barge' | 'take-over' | null>(null);
  const seat = call.seat ?? '';
  const mine = call.parties.find((party) => party.who === mySeat());
  const part = (wanted: Part) => {
    if (!mine && !mySeat()) {
      say(w('need_seat'), 'warn');
      return;
    }
    takePart(call, mine, wanted).catch(sayRefused);
  };
  const inParty = (what: 'leave' | 'take-over') => {
    if (!mine) return;
    const params = { path: { id: call.id, party: mine.party } };
    const done =
      what === 'leave'
        ? api.DELETE('/api/v1/calls/{id}/parties/{party}', { params })
        : api.POST('/api/v1/calls/{id}/parties/{party}/take-over', { params });
    ask<unknown>(done as Promise<{ data?: unknown; response: Response }>).catch(sayRefused);
  };
  const is = (wanted: Part) => mine?.part === wanted;
  return (
    <li class="talk">
      <div class="row spread">
        <span class="row">
          <span class="big timer">{span(secondsSince(call.received_at))}</span>
          <Badge tone="busy">{seat}</Badge>
          {call.on_hold && <Badge tone="warn">{w('on_hold')}</Badge>}
          {call.private && <Badge tone="warn">{w('private')}</Badge>}
          {call.caller_mute && <Badge tone="bad">{w('caller_mute')}</Badge>}
          {call.seat_mute && <Badge tone="bad">{w('seat_mute')}</Badge>}
        </span>
      </div>
      <Facts call={call} />
      {call.parties.length > 0 && (
        <p class="row">
          {call.parties.map((party) => (
            <Badge key={party.party} icon="people">
              {party.who}: {partWord(party.part)}
            </Badge>
          ))}
        </p>
      )}
      {acts() && mySeat() !== seat && (
        <div class="row">
          <Button icon="speaker" pressed={is('listen')} onPress={() => part('listen')}>
            {w('listen')}
          </Button>
          <Button icon="whisper" pressed={is('whisper')} onPress={() => part('whisper')}>
            {w('whisper')}
          </Button>
          <Button icon="people" pressed={is('talk')} onPress={() => setAsked('barge')}>
            {w('barge')}
          </Button>
          {mine && (
            <>
              <Button kind="danger" icon="transfer" onPress={() => setAsked('take-over')}>
                {w('take_over')}
              </Button>
              <Button icon="hangup" onPress={() => inParty('leave')}>
                {w('leave')}
              </Button>
            </>
          )}
        </div>
      )}
      {asked === 'barge' && (
        <Confirm
          title={w('barge')}
          detail={<p>{w('barge_ask', { seat })}</p>}
          action={w('barge')}
          onConfirm={() => part('talk')}
          onClose={() => setAsked(null)}
        />
      )}
      {asked === 'take-over' && (
        <Confirm
          title={w('take_over')}
          detail={<p>{w('take_over_ask', { seat })}</p>}
          action={w('take_over')}
          onConfirm={() => inParty('take-over')}
          onClose={() => setAsked(null)}
        />
      )}
    </li>
  );
}

export function Talks() {
  const talks = talking(calls.value);
  return (
    <section class="card" aria-labelledby="talks">
      <h2 id="talks">
        {w('talks')} <span class="count">{talks.length}</span>
      </h2>
      {acts() && (
        <div class="my-seat">
          <SelectField
            label={w('my_seat')}
            hint={w('my_seat_hint')}
            value={mySeat()}
            onInput={(seat) => {
              chosenSeat.value = seat;
              write('listening-seat', seat);
            }}
            choices={[
              { value: '', label: w('choose') },
              ...seats.value.map(({ id }) => ({ value: id, label: id })),
            ]}
          />
        </div>
      )}
      {talks.length === 0 ? (
        <p class="muted">{w('no_talks')}</p>
      ) : (
        <ol class="talks">
          {talks.map((call) => (
            <Talk key={call.id} call={call} />
          ))}
        </ol>
      )}
    </section>
  );
}

/** The state of a seat, set by somebody else than who sits there. */
export function SeatState({ seat }: { seat: LiveSeat }) {
  const [open, setOpen] = useState(false);
  if (!mayForce() || seat.state === 'signed-out') return null;
  return (
    <>
      <Button kind="quiet" label={`${w('force')}: ${seat.id}`} onPress={() => setOpen(true)}>
        {w('force')}
      </Button>
      {open && <Force seat={seat} onClose={() => setOpen(false)} />}
    </>
  );
}

function Force({ seat, onClose }: { seat: LiveSeat; onClose: () => void }) {
  const [status, setStatus] = useState(seat.state === 'paused' ? 'ready' : 'paused');
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const alone = servedAlone(seat, seats.value);
  const needed = status === 'paused' && !reason.trim();
  const set = async () => {
    setTried(true);
    if (needed) return;
    try {
      const body = { status, reason: status === 'paused' ? reason.trim() : '' };
      await ask(api.POST('/api/v1/seats/{id}/status', { params: { path: { id: seat.id } }, body }));
      onClose();
      say(w('done'), 'good');
    } catch (error) {
      setWrong(inWords(error));
    }
  };
  const foot = (
    <>
      <Button onPress={onClose}>{t('action.cancel')}</Button>
      <Button kind={status === 'paused' ? 'danger' : 'go'} onPress={set}>
        {status === 'paused' ? w('pause') : w('ready')}
      </Button>
    </>
  );
  return (
    <Dialog title={w('force_title', { seat: seat.id })} onClose={onClose} foot={foot}>
      <SelectField
        label={w('force_to')}
        value={status}
        onInput={setStatus}
        error={wrong}
        choices={[
          { value: 'ready', label: w('ready') },
          { value: 'paused', label: w('pause') },
        ]}
      />
      {status === 'paused' && (
        <TextField
          label={w('reason')}
          value={reason}
          onInput={setReason}
          error={tried && needed ? w('reason_needed') : undefined}
        />
      )}
      {seat.call && (
        <p class="band warn">
          <Icon name="warn" /> {w('force_talk')}
        </p>
      )}
      {status === 'paused' &&
        alone.map((queue) => (
          <p key={queue} class="band warn">
            <Icon name="warn" /> {w('force_last', { queue })}
          </p>
        ))}
    </Dialog>
  );
}
