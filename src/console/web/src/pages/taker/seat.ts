/** My seat and my call, out of what lives. */
import { computed, effect, signal } from '@preact/signals';
import { api, ask } from '../../api/client';
import type { CallPage, LiveCall } from '../../api/types';
import { read, write } from '../../kept';
import { calls, known, seats } from '../../live/store';
import { me } from '../../session';

const kept = signal(read('seat'));

/** The seat where this person sits: theirs by the configuration, or the one that they chose. */
export const mySeat = computed(() => {
  const mine = me.value?.operator;
  const all = seats.value;
  return (
    all.find((seat) => mine && seat.operator === mine && (!kept.value || seat.id === kept.value)) ??
    all.find((seat) => mine && seat.operator === mine) ??
    all.find((seat) => seat.id === kept.value && !seat.operator) ??
    null
  );
});

export function sitAt(seat: string): void {
  kept.value = seat;
  write('seat', seat);
}

/** The call that rings or talks at my seat. */
export const myCall = computed<LiveCall | null>(() => {
  const seat = mySeat.value;
  if (!seat) return null;
  const at = calls.value.find((call) => call.id === seat.call);
  return (
    at ?? calls.value.find((call) => call.seat === seat.id && call.state !== 'waiting') ?? null
  );
});

/** It rings here and nobody has answered. */
export const rings = computed(
  () => Boolean(myCall.value) && ['ringing', 'offered'].includes(mySeat.value?.state ?? ''),
);

/** Callers who wait, the oldest first. */
export const waiting = computed(() =>
  calls.value
    .filter((call) => ['waiting', 'ringing'].includes(call.state))
    .sort((a, b) => Date.parse(a.received_at) - Date.parse(b.received_at)),
);

/** My call with everything that is known; null until it is read. */
export const callPage = signal<CallPage | null>(null);

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

/** The incident whose form is open: that of the call that I took last, or one that I chose. */
export const opened = signal<string | null>(sessionStorage.getItem('siaga112.opened'));

export function open(incident: string | null): void {
  opened.value = incident;
  if (incident) sessionStorage.setItem('siaga112.opened', incident);
  else sessionStorage.removeItem('siaga112.opened');
}

const talkingIn = computed(() => {
  const call = myCall.value;
  const state = mySeat.value?.state ?? '';
  return call && ['talking', 'hold', 'engaged'].includes(state) ? call.incident : null;
});

effect(() => {
  if (known.value && talkingIn.value) open(talkingIn.value);
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
