/** My seat and my call, out of what lives. */
import { computed, effect, signal } from '@preact/signals';
import { api, ask, Refused } from '../../api/client';
import type { LiveCall } from '../../api/types';
import { calls, known, seats } from '../../live/store';
import { me } from '../../session';
import { callPage, open, opened } from './opened';
import { hasLeft, phone, startPhone, stopPhone, takeBack, talk } from './phone';

export { callPage, open, opened };

/** My seat: where this person sits, as the gateway has it. */
export const mySeat = computed(() => {
  const mine = me.value?.operator;
  if (!mine) return null;
  // Somebody who sits at two by the configuration is at the one that has a phone.
  const all = seats.value.filter((seat) => seat.operator === mine);
  return all.find((seat) => seat.state !== 'signed-out') ?? all[0] ?? null;
});

/** Sits down at a seat. */
export async function sitAt(seat: string): Promise<void> {
  await ask(api.PUT('/api/v1/seats/{id}/operator', { params: { path: { id: seat } } }));
}

/** How I take part in a call that another one leads; null: not at all. */
const guestOf = (call: LiveCall, seat: string) =>
  call.parties.find((party) => party.who === seat) ?? null;

/** The call that rings or talks at my seat, or that I was called into. */
export const myCall = computed<LiveCall | null>(() => {
  const seat = mySeat.value;
  if (!seat) return null;
  return (
    calls.value.find((call) => call.id === seat.call) ??
    calls.value.find((call) => call.seat === seat.id && call.state !== 'waiting') ??
    calls.value.find((call) => guestOf(call, seat.id)) ??
    null
  );
});

/** It rings here and nobody has answered. */
export const rings = computed(() => {
  const [seat, call] = [mySeat.value, myCall.value];
  if (!seat || !call) return false;
  if (guestOf(call, seat.id)?.state === 'ringing') return true;
  return ['ringing', 'offered'].includes(seat.state);
});

/** Callers who wait, the oldest first. */
export const waiting = computed(() =>
  calls.value
    .filter((call) => ['waiting', 'ringing'].includes(call.state))
    .sort((a, b) => Date.parse(a.received_at) - Date.parse(b.received_at)),
);

const callId = computed(() => myCall.value?.id ?? null);

effect(() => {
  const id = callId.value;
  if (!id) return;
  if (callPage.peek()?.id === id) return;
  callPage.value = null;
  ask(api.GET('/api/v1/calls/{id}', { params: { path: { id } } })).then(
    (page) => {
      if (callId.peek() === id) callPage.value = page;
    },
    () => {},
  );
});

const talkingIn = computed(() => {
  const call = myCall.value;
  const state = mySeat.value?.state ?? '';
  if (!call || rings.value) return null;
  return ['talking', 'hold', 'engaged'].includes(state) ? call.incident : null;
});

effect(() => {
  if (known.value && talkingIn.value) open(talkingIn.value);
});

/** The number that I call back; null: none, or the call is over. */
export const callingBack = signal<string | null>(null);

let rang = false;
effect(() => {
  // Once the phone has rung for it, its end is the end of the call back.
  if (talk.value) rang = true;
  else if (rang) {
    rang = false;
    callingBack.value = null;
  }
});

/** Sets my seat ready, or paused for a reason. */
export async function setStatus(status: 'ready' | 'paused', reason = ''): Promise<void> {
  const seat = mySeat.value;
  if (!seat) return;
  await ask(
    api.POST('/api/v1/seats/{id}/status', {
      params: { path: { id: seat.id } },
      body: { status, reason },
    }),
  );
}

const seatId = computed(() => mySeat.value?.id ?? null);
/** A supervisor who looks in is no phone; a call taker is. */
const isPhone = computed(() =>
  Boolean(seatId.value && me.value?.site.phone_url && !me.value.locked),
);

/** Makes this browser the phone of my seat, where it can be one. */
export async function bePhone(): Promise<void> {
  const id = seatId.peek();
  if (!id) return;
  try {
    const params = { path: { id } };
    startPhone(await ask(api.POST('/api/v1/seats/{id}/phone', { params })));
  } catch (error) {
    // No account for a browser: then the desk phone of the seat is the phone.
    if (error instanceof Refused && [403, 409].includes(error.status)) return;
    window.setTimeout(bePhone, 3000);
  }
}

effect(() => {
  if (isPhone.value) bePhone();
});
effect(() => {
  // Nobody sits here any more.
  if (!me.value) stopPhone();
});

effect(() => {
  // A page that was loaded anew in a call goes on with it.
  if (phone.value === 'registered' && talkingIn.value && hasLeft()) takeBack();
});
