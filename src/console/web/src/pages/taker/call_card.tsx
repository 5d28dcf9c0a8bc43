/** The call: what it is, and everything that can be done with it, by mouse and by key. */
import { useEffect, useId, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { LiveCall, LiveStep, Party } from '../../api/types';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { Confirm, Dialog } from '../../components/dialog';
import { TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import { Timer } from '../../components/timer';
import { sayRefused } from '../../components/toast';
import { seats } from '../../live/store';
import { disposition, flagName, laneName, languageName } from '../../messages';
import { contacts, found, readContacts } from './callout';
import { Chain } from './chain';
import { answer, hangUp, phone, press, takeBack, talk, toggleHold, toggleMute } from './phone';
import { Replay } from './replay';
import { callingBack, callPage, mySeat, rings } from './seat';
import { TextTalk } from './text_talk';
import { maybe, w } from './words';

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];

function Keypad({ onClose }: { onClose: () => void }) {
  const [sent, setSent] = useState('');
  const send = (key: string) => {
    press(key);
    setSent((before) => before + key);
  };
  useEffect(() => {
    const typed = (event: KeyboardEvent) => {
      if (KEYS.includes(event.key)) send(event.key);
    };
    addEventListener('keydown', typed);
    return () => removeEventListener('keydown', typed);
  });
  return (
    <Dialog title={w('keypad')} onClose={onClose}>
      <output class="keys-sent mono">{sent || ' '}</output>
      <div class="keypad">
        {KEYS.map((key) => (
          <Button key={key} size="large" onPress={() => send(key)}>
            {key}
          </Button>
        ))}
      </div>
    </Dialog>
  );
}

/** So many contacts are shown before somebody searches. */
const SHOWN = 30;

function BringIn({ call, onClose }: { call: LiveCall; onClose: () => void }) {
  const [to, setTo] = useState('');
  const [alone, setAlone] = useState(true);
  const [wrong, setWrong] = useState<string | undefined>();
  const [busy, setBusy] = useState(false);
  const [search, setSearch] = useState('');
  useEffect(() => {
    readContacts().catch(sayRefused);
  }, []);
  const hits = found(contacts.value, search);
  const others = seats.value.filter(
    (seat) => seat.id !== mySeat.value?.id && seat.state !== 'signed-out',
  );
  const bring = async (whom: string) => {
    if (!whom.trim()) return;
    setBusy(true);
    const params = { path: { id: call.id } };
    try {
      await ask(
        api.POST('/api/v1/calls/{id}/parties', { params, body: { to: whom.trim(), part: 'talk' } }),
      );
      if (alone) {
        await ask(api.POST('/api/v1/calls/{id}/private', { params, body: { private: true } }));
      }
      onClose();
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={w('bring.title')} onClose={onClose}>
      <fieldset class="choice">
        <label>
          <input type="radio" name="alone" checked={alone} onInput={() => setAlone(true)} />
          <span>{w('bring.private')}</span>
        </label>
        <label>
          <input type="radio" name="alone" checked={!alone} onInput={() => setAlone(false)} />
          <span>{w('bring.conference')}</span>
        </label>
      </fieldset>
      <form
        class="bring"
        onSubmit={(event) => {
          event.preventDefault();
          bring(to);
        }}
      >
        <TextField
          label={w('bring.whom')}
          type="tel"
          autofocus
          value={to}
          onInput={(typed) => {
            setTo(typed);
            setWrong(undefined);
          }}
          error={wrong}
        />
        <Button type="submit" kind="primary" icon="phone" busy={busy} onPress={() => {}}>
          {w('list.call')}
        </Button>
      </form>
      {contacts.value.length > 0 && (
        <>
          <h3>{w('bring.contacts')}</h3>
          <TextField label={w('bring.search')} type="search" value={search} onInput={setSearch} />
          <ul class="list contacts" aria-label={w('bring.contacts')}>
            {hits.slice(0, SHOWN).map((contact) => (
              <li key={contact.name}>
                <div class="list-main">
                  <strong>{contact.full_name}</strong>
                  <p class="muted">
                    {[
                      contact.agency,
                      contact.role,
                      contact.kecamatan.map((place) => place.name).join(', '),
                      contact.note,
                    ]
                      .filter(Boolean)
                      .join(' · ')}
                  </p>
                </div>
                <span class="row">
                  {contact.numbers.map((number) => (
                    <Button
                      key={number}
                      icon="phone"
                      busy={busy}
                      label={w('bring.call', { name: contact.full_name, number })}
                      onPress={() => bring(number)}
                    >
                      {number}
                    </Button>
                  ))}
                </span>
              </li>
            ))}
          </ul>
          {hits.length === 0 && <p role="status">{w('bring.none')}</p>}
          {hits.length > SHOWN && <p class="muted">{w('bring.more', { n: hits.length })}</p>}
        </>
      )}
      {others.length > 0 && (
        <>
          <h3>{w('bring.seats')}</h3>
          <div class="row">
            {others.map((seat) => (
              <Button
                key={seat.id}
                icon="phone"
                busy={busy}
                disabled={seat.state !== 'ready'}
                onPress={() => bring(seat.id)}
              >
                {seat.id} {seat.operator}
              </Button>
            ))}
          </div>
        </>
      )}
    </Dialog>
  );
}

/** Who somebody is: of a chain by name. */
function whoIs(call: LiveCall, party: Party): string {
  const called = (step: LiveStep) => step.numbers.some((it) => it.party === party.party);
  const step = call.chain?.steps.find(called);
  return step ? `${step.full_name} ${party.who}` : party.who;
}

function PartyRow({ call, party }: { call: LiveCall; party: Party }) {
  const [giving, setGiving] = useState(false);
  const params = { path: { id: call.id, party: party.party } };
  const run = (what: Promise<unknown>) => what.catch(sayRefused);
  const here = party.state !== 'ringing';
  return (
    <li class="party">
      <span class="party-who">{whoIs(call, party)}</span>
      <Badge tone={here ? 'busy' : 'warn'}>{maybe('party', party.state)}</Badge>
      {here && <span class="muted">{maybe('party', party.part)}</span>}
      <span class="row">
        {here && (
          <>
            {party.part === 'whisper' && (
              <Button
                icon="people"
                onPress={() =>
                  run(
                    ask(
                      api.PATCH('/api/v1/calls/{id}/parties/{party}', {
                        params,
                        body: { part: 'talk' },
                      }),
                    ),
                  )
                }
              >
                {w('party.join')}
              </Button>
            )}
            <Button kind="primary" icon="transfer" onPress={() => setGiving(true)}>
              {w('party.give')}
            </Button>
            <Button
              pressed={party.muted}
              onPress={() =>
                run(
                  ask(
                    api.PATCH('/api/v1/calls/{id}/parties/{party}', {
                      params,
                      body: { muted: !party.muted },
                    }),
                  ),
                )
              }
            >
              {party.muted ? w('party.unmute') : w('party.mute')}
            </Button>
          </>
        )}
        <Button
          icon="close"
          onPress={() => run(ask(api.DELETE('/api/v1/calls/{id}/parties/{party}', { params })))}
        >
          {w('party.remove')}
        </Button>
      </span>
      {giving && (
        <Confirm
          title={w('party.give')}
          detail={<p>{w('party.give_detail', { who: party.who })}</p>}
          action={w('party.give')}
          onClose={() => setGiving(false)}
          onConfirm={() =>
            run(ask(api.POST('/api/v1/calls/{id}/parties/{party}/take-over', { params })))
          }
        />
      )}
    </li>
  );
}

function Parties({ call }: { call: LiveCall }) {
  const id = useId();
  if (call.parties.length === 0 && !call.private) return null;
  const set = (to: boolean) =>
    ask(
      api.POST('/api/v1/calls/{id}/private', {
        params: { path: { id: call.id } },
        body: { private: to },
      }),
    ).catch(sayRefused);
  return (
    <section class="parties" aria-labelledby={id}>
      <h3 id={id}>{w('parties')}</h3>
      {call.private && (
        <p class="band warn" role="status">
          <Icon name="whisper" /> {w('private.on')}
        </p>
      )}
      <ul>
        {call.parties.map((party) => (
          <PartyRow key={party.party} call={call} party={party} />
        ))}
      </ul>
      <Button
        icon="whisper"
        keys="w"
        pressed={call.private}
        disabled={!call.private && !call.parties.some((party) => party.state === 'here')}
        onPress={() => set(!call.private)}
      >
        {call.private ? w('private.end') : w('private.start')}
      </Button>
    </section>
  );
}

/** What an operator has to see of a call at once. */
export function Flags({ call }: { call: LiveCall }) {
  return (
    <>
      {call.lane !== 'usual' && (
        <Badge tone={call.lane === 'nuisance' ? 'plain' : 'warn'}>{laneName(call.lane)}</Badge>
      )}
      {call.flags.map((flag) => (
        <Badge key={flag} tone={flag === 'silent' ? 'warn' : 'plain'}>
          {flagName(flag)}
        </Badge>
      ))}
    </>
  );
}

/** What has to be known before the first word: where from, in which language, how often before. */
function AtOnce({ call }: { call: LiveCall }) {
  const guess = call.place.kecamatan;
  const earlier = callPage.value?.id === call.id ? (callPage.value.earlier ?? []) : [];
  return (
    <>
      {guess && (
        <Badge tone={guess.percent >= 70 ? 'good' : 'warn'} icon="place">
          {w('place.percent', { name: guess.name, n: guess.percent })}
        </Badge>
      )}
      {call.languages.slice(0, 2).map((tag) => (
        <Badge key={tag} icon="whisper">
          {languageName(tag)}
        </Badge>
      ))}
      {earlier.length > 0 && (
        <Badge icon="clock">
          {w('history.short', { n: earlier.length })}
          {earlier[0]?.disposition ? `: ${disposition(earlier[0].disposition)}` : ''}
        </Badge>
      )}
    </>
  );
}

/** Buttons of the phone in this browser. */
function PhoneButtons({ onKeys, onBring }: { onKeys: () => void; onBring: () => void }) {
  const here = talk.value;
  if (!here) return null;
  if (here.state === 'ringing') {
    return here.direction === 'incoming' ? (
      <Button kind="go" size="large" icon="phone" keys="F2" onPress={answer}>
        {w('answer')}
      </Button>
    ) : (
      <Button kind="danger" size="large" icon="hangup" keys="Shift+x" onPress={hangUp}>
        {w('hangup')}
      </Button>
    );
  }
  return (
    <>
      <Button
        size="large"
        icon={here.held ? 'play' : 'pause'}
        keys="F9"
        pressed={here.held}
        onPress={toggleHold}
      >
        {here.held ? w('unhold') : w('hold')}
      </Button>
      <Button
        size="large"
        icon={here.muted ? 'muted' : 'mic'}
        keys="F8"
        pressed={here.muted}
        onPress={toggleMute}
      >
        {here.muted ? w('unmute') : w('mute')}
      </Button>
      <Button size="large" icon="keypad" keys="k" onPress={onKeys}>
        {w('keypad')}
      </Button>
      <Button size="large" icon="transfer" keys="t" onPress={onBring}>
        {w('transfer')}
      </Button>
      <Button kind="danger" size="large" icon="hangup" keys="Shift+x" onPress={hangUp}>
        {w('hangup')}
      </Button>
    </>
  );
}

function Alerts({ call }: { call: LiveCall }) {
  const quiet = call.caller_quiet_seconds ?? 0;
  return (
    <div role="status" aria-live="polite">
      {call.caller_mute && <Badge tone="bad">{w('caller.mute')}</Badge>}
      {!call.caller_mute && quiet >= 10 && (
        <Badge tone="warn">{w('caller.quiet', { n: Math.floor(quiet / 10) * 10 })}</Badge>
      )}
      {call.on_hold && <Badge tone="warn">{w('caller.hold')}</Badge>}
    </div>
  );
}

function idleWord(state: string | undefined): string {
  if (state === 'ready' || state === 'resting') return w('idle.ready');
  return state === 'wrap-up' ? w('idle.wrap_up') : w('idle.not_ready');
}

export function CallCard({ call }: { call: LiveCall | null }) {
  const id = useId();
  const [keys, setKeys] = useState(false);
  const [bringing, setBringing] = useState(false);
  const seat = mySeat.value;
  if (!call) {
    // A call of the browser's phone that is not at the seat yet, or no longer, can still be ended.
    const own = talk.value;
    const asks = own?.state === 'ringing' && own.direction === 'incoming';
    return (
      <section class={asks ? 'card call ringing' : 'card call'} aria-labelledby={id}>
        <h2 id={id}>{own ? w(asks ? 'own.rings' : 'own.talks') : w('idle')}</h2>
        {own ? (
          callingBack.value && (
            <>
              <p class="call-number mono">{callingBack.value}</p>
              {asks && <p>{w('own.back')}</p>}
            </>
          )
        ) : (
          <p class="muted">{idleWord(seat?.state)}</p>
        )}
        <div class="row">
          <PhoneButtons onKeys={() => setKeys(true)} onBring={() => setBringing(true)} />
        </div>
        {keys && <Keypad onClose={() => setKeys(false)} />}
      </section>
    );
  }
  const ringing = rings.value;
  const since = call.received_at;
  const answered = call.answered_after_seconds;
  const elsewhere = !talk.value && !ringing;
  return (
    <section class={ringing ? 'card call ringing' : 'card call'} aria-labelledby={id}>
      <header class="call-head">
        <h2 id={id}>
          <Icon name={ringing ? 'bell' : 'phone'} />
          {ringing ? w('ringing') : w('talking')}
        </h2>
        <span class="call-time">
          <span class="muted">{answered == null ? w('waited') : w('talking')}</span>{' '}
          <Timer since={answered == null ? since : Date.parse(since) + answered * 1000} />
        </span>
      </header>
      <p class="hidden" role="alert">
        {ringing ? w('ringing') : ''}
      </p>
      <p class="call-number mono">
        {callingBack.value ?? call.who?.number ?? (call.caller || w('who.no_number'))}
      </p>
      {call.who?.name && <p class="call-name">{call.who.name}</p>}
      <div class="row">
        <AtOnce call={call} />
        <Flags call={call} />
        {call.trunk && (
          <span class="muted">
            {w('who.trunk', { trunk: call.trunk })}
            {call.who?.network ? `, ${call.who.network}` : ''}
          </span>
        )}
      </div>
      <Alerts call={call} />
      <div class="row call-buttons">
        <PhoneButtons onKeys={() => setKeys(true)} onBring={() => setBringing(true)} />
        {!talk.value && (
          <>
            <p class="muted">{w('desk_phone')}</p>
            {elsewhere && phone.value === 'registered' && (
              <Button icon="speaker" onPress={takeBack}>
                {w('take_back')}
              </Button>
            )}
            {elsewhere && (
              <Button icon="transfer" keys="t" onPress={() => setBringing(true)}>
                {w('transfer')}
              </Button>
            )}
          </>
        )}
      </div>
      {!ringing && <Replay call={call} />}
      <TextTalk call={call} />
      {!ringing && <Chain call={call} />}
      <Parties call={call} />
      {keys && <Keypad onClose={() => setKeys(false)} />}
      {bringing && <BringIn call={call} onClose={() => setBringing(false)} />}
    </section>
  );
}
