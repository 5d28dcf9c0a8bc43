/**
 * What lives now, for all pages: fed by one WebSocket, and by asking once a second while there is none.
 * Pages read the signals; nothing but this file writes them.
 */
import { batch, computed, effect, signal } from '@preact/signals';
import { api, ask, tellBuild } from '../api/client';
import type {
  LiveAlarm,
  LiveCall,
  LiveMessage,
  LiveQueue,
  LiveSeat,
  LiveTrunk,
} from '../api/types';
import { heard } from '../clock';
import { me, whoAmI } from '../session';

export const calls = signal<LiveCall[]>([]);
export const queues = signal<LiveQueue[]>([]);
export const seats = signal<LiveSeat[]>([]);
export const trunks = signal<LiveTrunk[]>([]);
/** Alarms; empty for roles that see none. */
export const alarms = signal<LiveAlarm[]>([]);
/** No new calls are taken. */
export const draining = signal(false);
/** Open entries of the list of those to call back. */
export const workOpen = signal(0);
/** When the last of it came, by this machine's clock; null before the first. */
export const heardAt = signal<number | null>(null);
/** When the ages in seconds of {@link calls}, {@link queues} and {@link seats} were told, each by its id. */
export const toldAt = new Map<string, number>();

/** How the page hears of changes. */
export type Link = 'live' | 'polling' | 'lost';
export const link = signal<Link>('polling');

/** The first whole state has come. */
export const known = computed(() => heardAt.value !== null);

interface Named {
  id: string;
}

function told(at: string, ...lists: (Named[] | undefined)[]): void {
  const when = Date.parse(at);
  for (const list of lists) for (const one of list ?? []) toldAt.set(one.id, when);
}

/** A list with what is new in it; it is the same list where nothing is. */
function merged<T extends Named>(
  list: T[],
  fresh: T[] | undefined,
  gone: string[] | undefined,
): T[] {
  if (!fresh?.length && !gone?.length) return list;
  const by = new Map(list.map((one) => [one.id, one]));
  for (const one of fresh ?? []) by.set(one.id, one);
  for (const id of gone ?? []) by.delete(id);
  return [...by.values()];
}

function take(message: LiveMessage): void {
  heard(message.at);
  batch(() => {
    heardAt.value = Date.now();
    link.value = 'live';
    if (message.type === 'whole') {
      toldAt.clear();
      told(message.at, message.calls, message.queues, message.seats);
      calls.value = message.calls;
      queues.value = message.queues;
      seats.value = message.seats;
      trunks.value = message.trunks;
      alarms.value = message.alarms ?? [];
      draining.value = message.counts.draining;
      workOpen.value = message.counts.work_open;
      tellBuild(message.build);
    } else if (message.type === 'changes') {
      told(message.at, message.calls, message.queues, message.seats);
      calls.value = merged(calls.value, message.calls, message.calls_over);
      queues.value = merged(queues.value, message.queues, message.queues_gone);
      seats.value = merged(seats.value, message.seats, message.seats_gone);
      trunks.value = merged(trunks.value, message.trunks, message.trunks_gone);
      if (message.alarms) alarms.value = message.alarms;
      if (message.counts) {
        draining.value = message.counts.draining;
        workOpen.value = message.counts.work_open;
      }
    }
  });
}

/** A beat comes every 5 s: after so long without one the connection is dead, whatever the browser says. */
const SILENT_MS = 12_000;
const AGAIN_MS = [250, 1000, 2000, 4000];
const POLL_MS = 1000;

let wanted = false;
let socket: WebSocket | null = null;
let failures = 0;
let silence: number | undefined;
let again: number | undefined;

function quiet(): void {
  window.clearTimeout(silence);
  silence = window.setTimeout(() => socket?.close(), SILENT_MS);
}

function connect(): void {
  if (!wanted || socket) return;
  const opened = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/v1/live`);
  socket = opened;
  let seq = 0;
  quiet();
  opened.onmessage = ({ data }) => {
    const message = JSON.parse(String(data)) as LiveMessage;
    if (message.type === 'changes' && message.seq !== seq + 1) {
      // Something was missed: everything anew.
      opened.close();
      return;
    }
    seq = message.seq;
    failures = 0;
    quiet();
    take(message);
  };
  opened.onclose = ({ code }) => {
    window.clearTimeout(silence);
    if (socket !== opened) return;
    socket = null;
    if (!wanted) return;
    failures += 1;
    // The session is over, or the role has changed.
    if (code === 4401 || code === 4409) whoAmI().catch(() => {});
    if (failures > 1) look();
    again = window.setTimeout(connect, AGAIN_MS[Math.min(failures, AGAIN_MS.length) - 1]);
  };
}

/** While no socket opens, asking tells whether anybody is there, and what lives. */
async function look(): Promise<void> {
  try {
    const [c, q, s, tr] = await Promise.all([
      ask(api.GET('/api/v1/calls')),
      ask(api.GET('/api/v1/queues')),
      ask(api.GET('/api/v1/seats')),
      ask(api.GET('/api/v1/trunks')),
    ]);
    if (!wanted || socket?.readyState === WebSocket.OPEN) return;
    heard(s.at);
    batch(() => {
      told(s.at, c.calls, q.queues, s.seats);
      calls.value = c.calls;
      draining.value = c.draining;
      queues.value = q.queues;
      seats.value = s.seats;
      trunks.value = tr.trunks;
      heardAt.value = Date.now();
      link.value = 'polling';
    });
    if (failures > 2) window.setTimeout(() => !socket && look(), POLL_MS);
  } catch {
    link.value = 'lost';
  }
}

function start(): void {
  if (wanted) return;
  wanted = true;
  failures = 0;
  connect();
}

function stop(): void {
  wanted = false;
  window.clearTimeout(again);
  window.clearTimeout(silence);
  socket?.close();
  socket = null;
  batch(() => {
    calls.value = [];
    seats.value = [];
    queues.value = [];
    trunks.value = [];
    alarms.value = [];
    heardAt.value = null;
    link.value = 'polling';
  });
}

/** Roles that see what lives. */
const SEES = ['call-taker', 'supervisor', 'dispatcher', 'admin'];
const role = computed(() => me.value?.role ?? '');
/** This person's page is told what lives. */
export const sees = computed(() => SEES.includes(role.value));

effect(() => {
  if (sees.value) start();
  else stop();
});

addEventListener('online', () => {
  window.clearTimeout(again);
  connect();
});
