/**
 * The form of one record as it is written: kept under lock in this browser with each key, saved in the gateway a
 * moment later, cleared from here when it is on disk there. Nothing of another person is overwritten
 * unseen: what they wrote meanwhile is shown, and a person decides.
 */
import { effect, signal } from '@preact/signals';
import { api, ask, Refused } from '../../api/client';
import type { FieldProblem, Incident, RecordView } from '../../api/types';
import { read, write } from '../../kept';
import { link } from '../../live/store';
import { me } from '../../session';
import * as vault from '../../vault';

/** A value of the form: a text, a number, or an object (coordinates, what an agency was told). */
export type Value = string | number | Record<string, unknown> | null;
export type Values = Record<string, Value>;

export type Saving = 'loading' | 'saved' | 'writing' | 'saving' | 'away' | 'attention' | 'shut';

export interface Draft {
  incident: string;
  /** As the gateway has it. */
  record: RecordView | null;
  whole: Incident | null;
  /** What is written here and not yet there. */
  changes: Values;
  /** Fields that the gateway refuses, with its words. */
  refused: Record<string, string>;
  /** Fields that somebody else has written meanwhile. */
  conflicts: Record<string, FieldProblem>;
  saving: Saving;
}

export const draft = signal<Draft | null>(null);

const WAIT_MS = 700;
const AGAIN_MS = 2500;
/** The database is behind what was saved by so little; it is asked again after this, and so often at most. */
const BEHIND_MS = 500;
const BEHIND_TRIES = 240;
let timer: number | undefined;
let busy = false;

const key = (incident: string) => `draft.${incident}`;

/** The newest version that this browser has saved of a record, until the gateway shows it. */
const savedKey = (incident: string) => `saved.${me.peek()?.name ?? ''}.${incident}`;

interface Kept {
  version: number;
  changes: Values;
}

function keep(of: Draft): void {
  const left = Object.keys(of.changes).length > 0;
  const kept: Kept = { version: of.record?.version ?? 0, changes: of.changes };
  vault.put(key(of.incident), left ? kept : null);
}

const kept = async (incident: string) => (await vault.get(key(incident))) as Kept | null;

/** The value that a field shows. */
export function shown(of: Draft, field: string): Value {
  if (field in of.changes) return of.changes[field] ?? null;
  return saved(of, field);
}

/** The value that the gateway has. */
export function saved(of: Draft, field: string): Value {
  const form = (of.record?.form ?? {}) as Record<string, unknown>;
  if (field.startsWith('agencies.')) {
    const agencies = (form['agencies'] ?? {}) as Record<string, Value>;
    return agencies[field.slice('agencies.'.length)] ?? null;
  }
  return (form[field] as Value | undefined) ?? null;
}

function set(to: Partial<Draft>): void {
  if (!draft.peek()) return;
  draft.value = { ...(draft.peek() as Draft), ...to };
}

/** Opens the form of a record. What is left of an earlier page is taken up. */
export async function openDraft(incident: string): Promise<void> {
  window.clearTimeout(timer);
  draft.value = {
    incident,
    record: null,
    whole: null,
    changes: {},
    refused: {},
    conflicts: {},
    saving: 'loading',
  };
  const left = await kept(incident);
  const here = draft.peek();
  if (here?.incident !== incident) return;
  // What was typed meanwhile is newer.
  if (left) set({ changes: { ...left.changes, ...here.changes } });
  await load(incident, left?.version);
}

async function load(incident: string, since?: number): Promise<void> {
  try {
    const whole = await ask(
      api.GET('/api/v1/incidents/{id}', { params: { path: { id: incident } } }),
    );
    if (draft.peek()?.incident !== incident) return;
    const record = whole.written ?? null;
    // With the version that was seen when it was typed, the gateway finds what others wrote since.
    const base = record && since !== undefined ? { ...record, version: since } : record;
    set({ whole, record: base, saving: state(base) });
    catchUp(incident, BEHIND_TRIES);
    if (Object.keys((draft.peek() as Draft).changes).length > 0) schedule(0);
  } catch (error) {
    if (draft.peek()?.incident !== incident) return;
    const denied = error instanceof Refused && error.status === 403;
    set({ saving: denied ? 'shut' : 'away' });
    // A call that came a moment ago is written to the database behind its answer.
    if (!denied) {
      timer = window.setTimeout(() => load(incident, since), 1000);
    }
  }
}

/**
 * What is saved is in the journal, and in the database a moment later: a page that was loaded in between
 * reads the record without its own last words. It is read again until it has them.
 */
function catchUp(incident: string, tries: number): void {
  const of = draft.peek();
  const newest = Number(read(savedKey(incident)) ?? 0);
  if (of?.incident !== incident || !of.record) return;
  if (of.whole?.written && of.whole.written.version >= newest) {
    write(savedKey(incident), null);
    return;
  }
  // It is these words that a further edit builds on.
  if (of.record.version < newest) set({ record: { ...of.record, version: newest } });
  if (tries > 0) {
    window.setTimeout(async () => {
      await refresh();
      catchUp(incident, tries - 1);
    }, BEHIND_MS);
  }
}

const state = (record: RecordView | null): Saving =>
  record && record.state !== 'open' ? 'shut' : 'saved';

function schedule(ms: number): void {
  window.clearTimeout(timer);
  timer = window.setTimeout(save, ms);
}

/** Writes a field. It is kept here at once. */
export function put(field: string, value: Value): void {
  const of = draft.peek();
  if (!of || of.saving === 'shut') return;
  const changes = { ...of.changes, [field]: value };
  if (JSON.stringify(value) === JSON.stringify(saved(of, field))) delete changes[field];
  const refused = { ...of.refused };
  delete refused[field];
  const next = { ...of, changes, refused, saving: 'writing' as const };
  draft.value = next;
  keep(next);
  schedule(WAIT_MS);
}

function body(changes: Values): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const agencies: Record<string, Value> = {};
  for (const [field, value] of Object.entries(changes)) {
    if (field.startsWith('agencies.')) agencies[field.slice('agencies.'.length)] = value;
    else out[field] = value;
  }
  if (Object.keys(agencies).length > 0) out['agencies'] = agencies;
  return out;
}

/** What may be sent now: nothing that was refused or stands against somebody else's word. */
function sendable(of: Draft): Values {
  const held = (field: string) => field in of.refused || field in of.conflicts;
  return Object.fromEntries(Object.entries(of.changes).filter(([field]) => !held(field)));
}

function took(of: Draft, record: RecordView, sent: Values): void {
  const changes = { ...of.changes };
  for (const [field, value] of Object.entries(sent)) {
    // What was typed on while it was under way is still to be saved.
    if (JSON.stringify(changes[field]) === JSON.stringify(value)) delete changes[field];
  }
  const held = Object.keys(of.refused).length + Object.keys(of.conflicts).length > 0;
  const left = Object.keys(changes).length > 0;
  const saving: Saving =
    state(record) === 'shut' ? 'shut' : held ? 'attention' : left ? 'writing' : 'saved';
  const next = { ...of, record, changes, saving };
  draft.value = next;
  keep(next);
}

/** Saves what there is; at once when a person asks, and by itself a moment after they typed. */
export async function save(): Promise<boolean> {
  window.clearTimeout(timer);
  const of = draft.peek();
  if (!of?.record || busy) {
    if (of && busy) schedule(WAIT_MS);
    return false;
  }
  const sent = sendable(of);
  if (Object.keys(sent).length === 0) {
    took(of, of.record, {});
    return Object.keys(of.changes).length === 0;
  }
  busy = true;
  set({ saving: 'saving' });
  const params = { path: { id: of.incident } };
  try {
    const answer = await ask(
      api.PATCH('/api/v1/incidents/{id}', {
        params,
        body: { version: of.record.version, ...body(sent) },
      }),
    );
    busy = false;
    write(savedKey(of.incident), String(answer.version));
    const here = draft.peek();
    if (here?.incident !== of.incident) {
      vault.put(key(of.incident), null);
      return true;
    }
    took(here, answer, sent);
    if (Object.keys(sendable(draft.peek() as Draft)).length > 0) schedule(WAIT_MS);
    return true;
  } catch (error) {
    busy = false;
    await refusedBy(error, of.incident);
    return false;
  }
}

async function refusedBy(error: unknown, incident: string): Promise<void> {
  const here = draft.peek();
  if (here?.incident !== incident) return;
  const problem = error instanceof Refused ? error.problem : null;
  const status = error instanceof Refused ? error.status : 0;
  if (status === 409 && problem?.errors?.length) {
    const conflicts = { ...here.conflicts };
    for (const one of problem.errors) conflicts[one.field] = one;
    // What others wrote elsewhere is taken in; here, a person chooses.
    set({ conflicts, saving: 'attention' });
    await refresh(problem.version ?? undefined);
    if (Object.keys(sendable(draft.peek() as Draft)).length > 0) schedule(0);
    return;
  }
  if (status === 422 && problem?.errors?.length) {
    const refused = { ...here.refused };
    for (const one of problem.errors) refused[one.field] = one.detail;
    set({ refused, saving: 'attention' });
    if (Object.keys(sendable(draft.peek() as Draft)).length > 0) schedule(0);
    return;
  }
  if (status === 409) {
    // Closed, or merged, by somebody else: what was written stays in this browser.
    await refresh();
    return;
  }
  set({ saving: 'away' });
  schedule(AGAIN_MS);
}

/** Reads the record anew; what is written here stays. */
async function refresh(version?: number): Promise<void> {
  const of = draft.peek();
  if (!of) return;
  try {
    const whole = await ask(
      api.GET('/api/v1/incidents/{id}', { params: { path: { id: of.incident } } }),
    );
    if (draft.peek()?.incident !== of.incident || !whole.written) return;
    const here = draft.peek() as Draft;
    // The database is behind what was saved from here: nothing is taken back.
    if (!version && whole.written.version < (here.record?.version ?? 0)) return;
    const record = version ? { ...whole.written, version } : whole.written;
    set({ whole, record, saving: state(record) === 'shut' ? 'shut' : here.saving });
  } catch {
    schedule(AGAIN_MS);
  }
}

/** A person chooses between their own word and somebody else's. */
export function settle(field: string, mine: boolean): void {
  const of = draft.peek();
  if (!of) return;
  const conflicts = { ...of.conflicts };
  delete conflicts[field];
  const changes = { ...of.changes };
  if (!mine) delete changes[field];
  const next = { ...of, conflicts, changes };
  draft.value = next;
  keep(next);
  schedule(0);
}

/** Closes the record with all that is written. */
export async function close(): Promise<void> {
  const of = draft.peek();
  if (!of?.record) return;
  window.clearTimeout(timer);
  const sent = sendable(of);
  const answer = await ask(
    api.POST('/api/v1/incidents/{id}/close', {
      params: { path: { id: of.incident } },
      body: { version: of.record.version, ...body(sent) },
    }),
  );
  const here = draft.peek();
  if (here?.incident === of.incident) took(here, answer, sent);
}

/** Opens it again. */
export async function reopen(why: string): Promise<void> {
  const of = draft.peek();
  if (!of) return;
  const record = await ask(
    api.POST('/api/v1/incidents/{id}/reopen', {
      params: { path: { id: of.incident } },
      body: { why },
    }),
  );
  const here = draft.peek();
  if (here?.incident === of.incident) set({ record, saving: 'saved' });
}

// The connection is back: what waits is saved without waiting for the next try.
effect(() => {
  if (link.value !== 'lost' && draft.peek()?.saving === 'away') schedule(0);
});

// Whoever sits down next begins with nothing of the one before.
effect(() => {
  if (me.value === null) {
    window.clearTimeout(timer);
    draft.value = null;
  }
});
