/** Which keys of which tables have a form, and how each is shown. What stands here not is kept as it is in the text. */
import type { FieldKey } from './field_words';

export type Kind =
  | { kind: 'text' }
  | { kind: 'number'; least: number; most: number }
  | { kind: 'check' }
  | { kind: 'choice'; of: readonly string[] }
  /** One name of a kind that the configuration has. */
  | { kind: 'name'; of: 'queue' | 'operator' | 'agency' }
  /** Several of them. */
  | { kind: 'names'; of: 'trunk' | 'kecamatan' | 'category' | 'calls' | 'day' }
  /** A list, one a line. */
  | { kind: 'lines' }
  /** The queues that a seat serves, each with its tier. */
  | { kind: 'queues' }
  /** The people of a chain, in order. */
  | { kind: 'steps' }
  /** `mad = 3`, one a line. */
  | { kind: 'skills' }
  /** `on_agent`, `immediate` or `after_seconds:N`. */
  | { kind: 'answer' };

/** Days as the configuration writes them. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export type FormField = Kind & {
  /** Keys between dots. */
  path: string;
  /** Its label and hint. */
  words: FieldKey;
  /** An entry without it is refused. */
  needed?: boolean;
};

export type TableName =
  | 'queue'
  | 'rule'
  | 'seat'
  | 'operator'
  | 'trunk'
  | 'contact'
  | 'chain'
  | 'keep';

const number = (path: string, words: FieldKey, least: number, most: number): FormField => ({
  kind: 'number',
  path,
  words,
  least,
  most,
});

/** A hundred years. */
const MOST_DAYS = 36_500;

export const FORMS: Record<TableName, FormField[]> = {
  queue: [
    { path: 'name', words: 'name', kind: 'text', needed: true },
    { path: 'answer', words: 'answer', kind: 'answer' },
    {
      path: 'strategy',
      words: 'strategy',
      kind: 'choice',
      of: [
        'longest_idle',
        'fewest_calls',
        'round_robin',
        'ring_all',
        'preference',
        'last_operator',
      ],
    },
    number('ring_timeout_seconds', 'ring_timeout_seconds', 3, 120),
    number('wrap_up_seconds', 'wrap_up_seconds', 0, 3600),
    number('max_wait_seconds', 'max_wait_seconds', 4, 3600),
    { path: 'overflow', words: 'overflow', kind: 'lines' },
    number('misses', 'misses', 0, 20),
    number('set_aside_seconds', 'set_aside_seconds', 1, 3600),
    { path: 'announce.languages', words: 'announce_languages', kind: 'lines' },
    {
      path: 'announce.screen',
      words: 'announce_screen',
      kind: 'choice',
      of: ['never', 'while_waiting', 'first'],
    },
  ],
  rule: [
    { path: 'name', words: 'name', kind: 'text' },
    { ...number('priority', 'rule_priority', -1_000_000, 1_000_000), needed: true },
    { path: 'queue', words: 'rule_queue', kind: 'name', of: 'queue', needed: true },
    number('call_priority', 'call_priority', 0, 9),
    { path: 'when.trunk', words: 'when_trunk', kind: 'names', of: 'trunk' },
    { path: 'when.kecamatan', words: 'when_kecamatan', kind: 'names', of: 'kecamatan' },
    { path: 'when.dialled', words: 'when_dialled', kind: 'lines' },
    { path: 'when.service', words: 'when_service', kind: 'lines' },
    { path: 'when.hours', words: 'when_hours', kind: 'lines' },
    { path: 'when.days', words: 'when_days', kind: 'names', of: 'day' },
    { path: 'when.dates', words: 'when_dates', kind: 'lines' },
    { path: 'skills', words: 'rule_skills', kind: 'lines' },
  ],
  seat: [
    { path: 'name', words: 'name', kind: 'text', needed: true },
    { path: 'operator', words: 'seat_operator', kind: 'name', of: 'operator' },
    { path: 'queues', words: 'seat_queues', kind: 'queues' },
    { path: 'skills', words: 'seat_skills', kind: 'skills' },
    { path: 'auto_ready', words: 'auto_ready', kind: 'check' },
    { path: 'auto_answer', words: 'auto_answer', kind: 'check' },
    { path: 'text', words: 'seat_text', kind: 'check' },
  ],
  operator: [
    { path: 'name', words: 'name', kind: 'text', needed: true },
    { path: 'full_name', words: 'full_name', kind: 'text', needed: true },
  ],
  trunk: [
    { path: 'name', words: 'name', kind: 'text', needed: true },
    { path: 'network', words: 'network', kind: 'text' },
    { path: 'source', words: 'source', kind: 'lines' },
    { path: 'target', words: 'target', kind: 'text' },
    { path: 'trust_identity', words: 'trust_identity', kind: 'check' },
    { path: 'area_code', words: 'area_code', kind: 'text' },
    { path: 'answer', words: 'answer', kind: 'answer' },
    {
      path: 'early_media',
      words: 'early_media',
      kind: 'choice',
      of: ['no', 'heard', 'both'],
    },
    { path: 'codecs', words: 'codecs', kind: 'lines' },
    { path: 'caller_id', words: 'caller_id', kind: 'text' },
    { path: 'test_number', words: 'test_number', kind: 'text' },
    number('quiet_alarm_minutes', 'quiet_alarm_minutes', 0, 525_600),
  ],
  contact: [
    { path: 'name', words: 'name', kind: 'text', needed: true },
    { path: 'full_name', words: 'full_name', kind: 'text', needed: true },
    { path: 'numbers', words: 'contact_numbers', kind: 'lines' },
    { path: 'agency', words: 'contact_agency', kind: 'name', of: 'agency' },
    { path: 'role', words: 'contact_role', kind: 'text' },
    { path: 'kecamatan', words: 'contact_kecamatan', kind: 'names', of: 'kecamatan' },
    { path: 'note', words: 'contact_note', kind: 'text' },
  ],
  chain: [
    { path: 'name', words: 'name', kind: 'text', needed: true },
    { path: 'title', words: 'chain_title', kind: 'text', needed: true },
    { path: 'steps', words: 'chain_steps', kind: 'steps' },
    { path: 'when.category', words: 'chain_category', kind: 'names', of: 'category' },
    { path: 'when.kecamatan', words: 'chain_kecamatan', kind: 'names', of: 'kecamatan' },
  ],
  keep: [
    { path: 'calls', words: 'keep_calls', kind: 'names', of: 'calls' },
    { ...number('audio_days', 'audio_days', 1, MOST_DAYS), needed: true },
    { ...number('record_days', 'record_days', 1, MOST_DAYS), needed: true },
    { ...number('trace_days', 'trace_days', 1, MOST_DAYS), needed: true },
    { path: 'ground', words: 'keep_ground', kind: 'text', needed: true },
  ],
};

/** A file that may be missing, and is made by the first entry. */
export const CALLOUT = 'callout.toml';

/** How long what is kept. */
export const RETENTION = 'retention.toml';

/** The tables that a file may have forms for; none: it is edited as text. */
export function tablesOf(file: string): TableName[] {
  if (file === 'queues.toml') return ['queue'];
  if (file === 'routing.toml') return ['rule'];
  if (file === CALLOUT) return ['contact', 'chain'];
  if (file === 'seats.toml') return ['seat', 'operator'];
  if (file === RETENTION) return ['keep'];
  return /^trunks\/[^/]+\.toml$/.test(file) ? ['trunk'] : [];
}
