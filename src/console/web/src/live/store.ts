/**
 * What lives now, for all pages: fed by one WebSocket, and by asking once a second while there is none.
 * Pages read the signals; nothing but this file writes them.
 */
import { batch, computed, effect, signal } from '@preact/signals';
import { api, ask } from '../api/client';
import type { LiveCall, LiveQueue, LiveSeat, LiveTrunk } from '../api/types';
import { heard } from '../clock';
import { me } from '../session';

export const calls = signal<LiveCall[]>([]);
export const queues = signal<LiveQueue[]>([]);
export const seats = signal<LiveSeat[]>([]);
export const trunks = signal<LiveTrunk[]>([]);
/** No new calls are taken. */
export const draining = signal(false);
/** When the last of it came, by this machine's clock; null before the first. */
export const heardAt = signal<number | null>(null);

/** How the page hears of changes. */
export type Link = 'live' | 'polling' | 'lost';
export const link = signal<Link>('polling');

/** The first whole state has come. */
export const known = computed(() => heardAt.value !== null);

const EACH_MS = 1000;
const LOST_AFTER = 2;

let timer: number | undefined;
let failures = 0;

async function round(): Promise<void> {
  try {
    const [c, q, s, tr] = await Promise.all([
      ask(api.GET('/api/v1/calls')),
      ask(api.GET('/api/v1/queues')),
      ask(api.GET('/api/v1/seats')),
      ask(api.GET('/api/v1/trunks')),
    ]);
    heard(s.at);
    failures = 0;
    batch(() => {
      calls.value = c.calls;
      draining.value = c.draining;
      queues.value = q.queues;
      seats.value = s.seats;
      trunks.value = tr.trunks;
      heardAt.value = Date.now();
      link.value = 'polling';
    });
  } catch {
    failures += 1;
    if (failures >= LOST_AFTER) link.value = 'lost';
  }
}

async function poll(): Promise<void> {
  await round();
  if (timer !== undefined) timer = window.setTimeout(poll, EACH_MS);
}

function start(): void {
  if (timer !== undefined) return;
  timer = window.setTimeout(poll, 0);
}

function stop(): void {
  window.clearTimeout(timer);
  timer = undefined;
  batch(() => {
    calls.value = [];
    seats.value = [];
    heardAt.value = null;
  });
}

/** Roles that see what lives. */
const SEES = ['call-taker', 'supervisor', 'dispatcher', 'admin'];

effect(() => {
  if (me.value && SEES.includes(me.value.role)) start();
  else stop();
});
