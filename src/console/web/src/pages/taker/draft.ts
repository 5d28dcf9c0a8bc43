/**
 * Forms as they are written: kept under lock in this browser with each key, saved in the gateway a moment later,
 * cleared from here when they are on disk there. One is shown; others that are not saved yet are tried
 * again behind it until they are. Nothing of another person is overwritten unseen: what they wrote
 * meanwhile is shown, and a person decides.
 */
import { computed, effect, type Signal, signal } from '@preact/signals';
import { api, ask, Refused } from '../../api/client';
import type { FieldProblem, Incident, RecordView } from '../../api/types';
import { holds } from '../../build';
import { link } from '../../live/store';
import { me } from '../../session';
import { keeps } from '../../vault';
import {
  allKept,
  forget,
  forgetSent,
  keepField,
  kept,
  newest,
  noteNewest,
  same,
  type Value,
  type Values,
} from './draft_kept';

export type { Value, Values };

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

/** One form and what is under way for it. */
interface Work {
  incident: string;
  state: Signal<Draft>;
  timer: number | undefined;
  /** What is being sent now; true when the gateway has it. */
  flight: Promise<boolean> | null;
  /** Whether what an earlier page has kept was looked for. */
  recalled: boolean;
  /** The version that was seen when that was written. */
  since: number | undefined;
}

const works = signal<ReadonlyMap<string, Work>>(new Map());
const at = signal<string | null>(null);

const isLeft = (of: Draft) => Object.keys(of.changes).length > 0;

/** The form that is shown. */
export const draft = computed<Draft | null>(() =>
  at.value === null ? null : (works.value.get(at.value)?.state.value ?? null),
);

/** Forms that are not shown, and of which the gateway has not everything. */
export const left = computed<Draft[]>(() =>
  [...works.value.values()]
    .filter((work) => work.incident !== at.value)
    .map((work) => work.state.value)
    .filter(isLeft),
);

const WAIT_MS = 700;
const AGAIN_MS = 2500;
/** Forms behind the shown one come less often. */
const BEHIND_AGAIN_MS = 8000;
/** The database is behind what was saved by so little; it is asked again after this, and so often at most. */
const BEHIND_MS = 500;
const BEHIND_TRIES = 240;

const workOf = (incident: string | null | undefined) =>
  incident ? works.peek().get(incident) : undefined;
const shownWork = () => workOf(at.peek());
const isHere = (work: Work) => workOf(work.incident) === work;
const isShown = (work: Work) => at.peek() === work.incident;

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

function set(work: Work, to: Partial<Draft>): void {
  work.state.value = { ...work.state.peek(), ...to };
}

function begin(incident: string): Work {
  const of: Draft = {
    incident,
    record: null,
    whole: null,
    changes: {},
    refused: {},
    conflicts: {},
    saving: 'loading',
  };
  const rest = { timer: undefined, flight: null, recalled: false, since: undefined };
  const work: Work = { incident, state: signal(of), ...rest };
  works.value = new Map(works.peek()).set(incident, work);
  return work;
}

/** Lets go of a form that is not shown and has nothing to be saved. */
function tidy(work: Work): void {
  if (isShown(work) || work.flight || isLeft(work.state.peek()) || !isHere(work)) return;
  window.clearTimeout(work.timer);
  const rest = new Map(works.peek());
  rest.delete(work.incident);
  works.value = rest;
}

/** Opens the form of a record. What is left of an earlier page is taken up; the form before is saved. */
export async function openDraft(incident: string): Promise<void> {
  const before = shownWork();
  const there = workOf(incident);
  const work = there ?? begin(incident);
  at.value = incident;
  if (before && before !== work) {
    if (Object.keys(sendable(before.state.peek())).length > 0) flush(before);
    else tidy(before);
  }
  if (there?.state.peek().record) {
    await refresh(work);
    if (isLeft(work.state.peek())) schedule(work, 0);
  } else await load(work);
}

/** Takes up what an earlier page has kept; what was typed meanwhile is newer. */
async function recall(work: Work): Promise<void> {
  if (work.recalled) return;
  const left = await kept(work.incident);
  if (!isHere(work)) return;
  // Without the key nothing could be read yet.
  work.recalled = keeps.peek();
  if (!left) return;
  work.since = left.version;
  set(work, { changes: { ...left.changes, ...work.state.peek().changes } });
}

async function load(work: Work): Promise<void> {
  window.clearTimeout(work.timer);
  await recall(work);
  if (!isHere(work)) return;
  const since = work.since;
  try {
    const params = { path: { id: work.incident } };
    const whole = await ask(api.GET('/api/v1/incidents/{id}', { params }));
    if (!isHere(work)) return;
    const record = whole.written ?? null;
    // With the version that was seen when it was typed, the gateway finds what others wrote since.
    const typed = isLeft(work.state.peek()) && since !== undefined;
    const base = record && typed ? { ...record, version: since } : record;
    set(work, { whole, record: base, saving: state(base) });
    catchUp(work, BEHIND_TRIES);
    if (isLeft(work.state.peek())) schedule(work, 0);
  } catch (error) {
    if (!isHere(work)) return;
    const denied = error instanceof Refused && error.status === 403;
    set(work, { saving: denied ? 'shut' : 'away' });
    // A call that came a moment ago is written to the database behind its answer.
    if (!denied) {
      work.timer = window.setTimeout(() => load(work), isShown(work) ? 1000 : BEHIND_AGAIN_MS);
    }
  }
}

/**
 * What is saved is in the journal, and in the database a moment later: a page that was loaded in between
 * reads the record without its own last words. It is read again until it has them.
 */
function catchUp(work: Work, tries: number): void {
  const of = work.state.peek();
  const ours = newest(work.incident);
  if (!isHere(work) || !of.record) return;
  if (of.whole?.written && of.whole.written.version >= ours) {
    noteNewest(work.incident, null);
    return;
  }
  // It is these words that a further edit builds on.
  if (of.record.version < ours) set(work, { record: { ...of.record, version: ours } });
  if (tries > 0) {
    window.setTimeout(async () => {
      await refresh(work);
      catchUp(work, tries - 1);
    }, BEHIND_MS);
  }
}

const state = (record: RecordView | null): Saving =>
  record && record.state !== 'open' ? 'shut' : 'saved';

function schedule(work: Work, ms: number): void {
  window.clearTimeout(work.timer);
  work.timer = window.setTimeout(() => (work.state.peek().record ? flush(work) : load(work)), ms);
}

const again = (work: Work) => schedule(work, isShown(work) ? AGAIN_MS : BEHIND_AGAIN_MS);

/**
 * Writes a field of the form that is shown, or of another one. It is kept here at once. What is known to
 * be wrong, with why, is kept and shown, and not sent.
 */
export function put(
  field: string,
  value: Value,
  { wrong, incident }: { wrong?: string | undefined; incident?: string } = {},
): void {
  const work = incident === undefined ? shownWork() : workOf(incident);
  const of = work?.state.peek();
  if (!work || !of || of.saving === 'shut') return;
  const changes = { ...of.changes, [field]: value };
  if (same(value, saved(of, field))) delete changes[field];
  const refused = { ...of.refused };
  delete refused[field];
  if (wrong) refused[field] = wrong;
  set(work, { changes, refused, saving: 'writing' });
  keepField(of.incident, of.record?.version ?? 0, field, changes[field]);
  schedule(work, WAIT_MS);
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

/** Fields that cannot go before a person has looked at them. */
const held = (of: Draft) =>
  Object.keys(of.changes).filter((field) => field in of.refused || field in of.conflicts);

/** What may be sent now: nothing that was refused or stands against somebody else's word. */
function sendable(of: Draft): Values {
  const stays = new Set(held(of));
  return Object.fromEntries(Object.entries(of.changes).filter(([field]) => !stays.has(field)));
}

/** The gateway has a record, with what was sent. */
function took(work: Work, record: RecordView, sent: Values): void {
  const of = work.state.peek();
  const changes = { ...of.changes };
  for (const [field, value] of Object.entries(sent)) {
    // What was typed on while it was under way is still to be saved.
    if (same(changes[field], value)) delete changes[field];
  }
  forgetSent(of.incident, sent, (field) => field in work.state.peek().changes);
  const next = { ...of, record, changes };
  set(work, { ...next, saving: standing(next) });
  if (Object.keys(sendable(next)).length > 0) schedule(work, WAIT_MS);
  else tidy(work);
}

function standing(of: Draft): Saving {
  if (state(of.record) === 'shut') return 'shut';
  if (held(of).length > 0) return 'attention';
  return isLeft(of) ? 'writing' : 'saved';
}

/** Saves what there is of a form, after what is under way. True: nothing is left to be sent. */
function flush(work: Work): Promise<boolean> {
  window.clearTimeout(work.timer);
  if (work.flight) return work.flight.then(() => flush(work));
  const of = work.state.peek();
  if (!isHere(work) || !of.record) return Promise.resolve(false);
  const sent = sendable(of);
  if (Object.keys(sent).length === 0 || of.saving === 'shut') {
    set(work, { saving: standing(of) });
    tidy(work);
    return Promise.resolve(!isLeft(of));
  }
  const flight = send(work, of.record.version, sent).finally(() => {
    work.flight = null;
    tidy(work);
  });
  work.flight = flight;
  return flight;
}

async function send(work: Work, version: number, sent: Values): Promise<boolean> {
  set(work, { saving: 'saving' });
  try {
    const params = { path: { id: work.incident } };
    const answer = await ask(
      api.PATCH('/api/v1/incidents/{id}', { params, body: { version, ...body(sent) } }),
    );
    noteNewest(work.incident, answer.version);
    if (isHere(work)) took(work, answer, sent);
    else forgetSent(work.incident, sent);
    return true;
  } catch (error) {
    if (isHere(work)) await refusedBy(work, error);
    return false;
  }
}

/** Saves what there is at once: when a person asks. */
export const save = (incident?: string): Promise<boolean> => {
  const work = incident === undefined ? shownWork() : workOf(incident);
  return work ? flush(work) : Promise.resolve(false);
};

/** Saves what there is of all forms; how many the gateway has not got whole. */
export async function saveAll(): Promise<number> {
  await Promise.all([...works.peek().values()].map(flush));
  return unsavedNow();
}

/** How many forms the gateway has not got whole. */
export const unsavedNow = (): number =>
  [...works.peek().values()].filter((work) => isLeft(work.state.peek())).length;

async function refusedBy(work: Work, error: unknown): Promise<void> {
  const here = work.state.peek();
  const problem = error instanceof Refused ? error.problem : null;
  const status = error instanceof Refused ? error.status : 0;
  if (status === 409 && problem?.errors?.length) {
    const conflicts = { ...here.conflicts };
    for (const one of problem.errors) conflicts[one.field] = one;
    // What others wrote elsewhere is taken in; here, a person chooses.
    set(work, { conflicts, saving: 'attention' });
    await refresh(work, problem.version ?? undefined);
  } else if (status === 422 && problem?.errors?.length) {
    const refused = { ...here.refused };
    for (const one of problem.errors) refused[one.field] = one.detail;
    set(work, { refused, saving: 'attention' });
  } else if (status === 403) {
    set(work, { saving: 'shut' });
    return;
  } else {
    // Away; or closed or merged by somebody else, and then what was written stays in this browser.
    set(work, { saving: 'away' });
    if (status === 409) await refresh(work);
    if (work.state.peek().saving !== 'shut') again(work);
    return;
  }
  if (Object.keys(sendable(work.state.peek())).length > 0) schedule(work, 0);
}

/** Reads the record anew; what is written here stays. */
async function refresh(work: Work, version?: number): Promise<void> {
  try {
    const params = { path: { id: work.incident } };
    const whole = await ask(api.GET('/api/v1/incidents/{id}', { params }));
    if (!isHere(work) || !whole.written) return;
    const here = work.state.peek();
    // The database is behind what was saved from here: nothing is taken back.
    if (!version && whole.written.version < (here.record?.version ?? 0)) {
      set(work, { whole });
      return;
    }
    // What is typed builds on what was seen when it was typed: the gateway finds what came since.
    const base = version ?? (isLeft(here) ? here.record?.version : undefined);
    const record = base === undefined ? whole.written : { ...whole.written, version: base };
    const saving =
      state(record) === 'shut' ? 'shut' : here.saving === 'shut' ? 'saved' : here.saving;
    set(work, { whole, record, saving });
  } catch {
    if (isHere(work) && isLeft(work.state.peek())) again(work);
  }
}

/** Reads the shown record anew, after something was done to it elsewhere on the page. */
export async function renew(): Promise<void> {
  const work = shownWork();
  if (work) await refresh(work);
}

/** A person chooses between their own word and somebody else's. */
export function settle(field: string, mine: boolean): void {
  const work = shownWork();
  if (!work) return;
  const of = work.state.peek();
  const conflicts = { ...of.conflicts };
  delete conflicts[field];
  const changes = { ...of.changes };
  if (!mine) delete changes[field];
  set(work, { conflicts, changes });
  keepField(of.incident, of.record?.version ?? 0, field, changes[field]);
  schedule(work, 0);
}

/** Throws away what is written here and not saved: a person has read it and said so. */
export function discard(incident: string): void {
  const work = workOf(incident);
  forget(incident);
  if (!work) return;
  window.clearTimeout(work.timer);
  const of = { ...work.state.peek(), changes: {}, refused: {}, conflicts: {} };
  set(work, { ...of, saving: of.saving === 'shut' ? 'shut' : standing(of) });
  tidy(work);
}

/**
 * The field that keeps the shown record from being closed: one that was refused, or that somebody else
 * has written as well. Closing leaves no word behind unseen.
 */
export const obstacle = (): string | null => {
  const work = shownWork();
  return work ? (held(work.state.peek())[0] ?? null) : null;
};

/** Closes the shown record with all that is written; or says which field has to be looked at first. */
export async function close(): Promise<string | null> {
  const work = shownWork();
  if (!work) return null;
  window.clearTimeout(work.timer);
  // Its answer has the version that the closing builds on.
  if (work.flight) await work.flight;
  window.clearTimeout(work.timer);
  const of = work.state.peek();
  if (!of.record) return null;
  const first = held(of)[0];
  if (first) return first;
  const sent = of.changes;
  try {
    const answer = await ask(
      api.POST('/api/v1/incidents/{id}/close', {
        params: { path: { id: of.incident } },
        body: { version: of.record.version, ...body(sent) },
      }),
    );
    noteNewest(of.incident, answer.version);
    if (isHere(work)) took(work, answer, sent);
    return null;
  } catch (error) {
    const told = error instanceof Refused && (error.problem?.errors?.length ?? 0) > 0;
    if (!isHere(work)) throw error;
    await refusedBy(work, error);
    if (!told) throw error;
    return held(work.state.peek())[0] ?? null;
  }
}

/** Opens the shown record again, or another one. */
export async function reopen(why: string, incident?: string): Promise<void> {
  const id = incident ?? at.peek();
  if (!id) return;
  const params = { path: { id } };
  const record = await ask(api.POST('/api/v1/incidents/{id}/reopen', { params, body: { why } }));
  noteNewest(id, record.version);
  const work = workOf(id);
  if (!work) return;
  set(work, { record, saving: 'saved' });
  if (isLeft(work.state.peek())) schedule(work, 0);
}

/** Writes one field of a record that may not be shown any more, and saves it. */
export async function putIn(incident: string, field: string, value: Value): Promise<boolean> {
  if (!workOf(incident)) await load(begin(incident));
  put(field, value, { incident });
  return save(incident);
}

function start(incident: string): void {
  if (!workOf(incident)) load(begin(incident));
}

// The connection is back: what waits is saved without waiting for the next try.
effect(() => {
  if (link.value === 'lost') return;
  for (const work of works.peek().values()) {
    if (work.state.peek().saving === 'away') schedule(work, 0);
  }
});

/** Whose forms these are. Somebody else at this page gets none of them: they stay kept for their writer. */
const writer = computed(() => (me.value?.permissions['forms'] ? me.value.name : null));
effect(() => {
  // Read, so that another writer begins anew.
  void writer.value;
  for (const work of works.peek().values()) window.clearTimeout(work.timer);
  works.value = new Map();
  at.value = null;
});

// What an earlier page has left is saved as soon as it can be read.
effect(() => {
  const name = writer.value;
  if (name === null || !keeps.value) return;
  allKept().then((found) => {
    if (writer.peek() !== name) return;
    for (const incident of found) start(incident);
    for (const work of works.peek().values()) {
      if (!work.recalled) recall(work).then(() => isLeft(work.state.peek()) && schedule(work, 0));
    }
  });
});

/** Something is typed, and neither the gateway nor this browser has it: then the page stays as it is. */
const atRisk = computed(
  () => !keeps.value && [...works.value.values()].some((work) => isLeft(work.state.value)),
);
let holding = false;
effect(() => {
  if (atRisk.value === holding) return;
  holding = atRisk.value;
  holds.value = holds.peek() + (holding ? 1 : -1);
});
addEventListener('beforeunload', (event) => {
  if (atRisk.peek()) event.preventDefault();
});
