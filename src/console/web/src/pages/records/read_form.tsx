/** The form as those read it who do not write in it. */
import { useId } from 'preact/hooks';
import type { Incident } from '../../api/types';
import { dateAndTime } from '../../clock';
import { disposition } from '../../messages';
import { maybe, w } from '../taker/words';
import { categoryName, kecamatanName } from './search';
import { r } from './words';

const STEPS = [
  ['notified_at', 'agency.notify'],
  ['accepted_at', 'agency.accepted'],
  ['arrived_at', 'agency.arrived'],
  ['done_at', 'agency.done'],
] as const;

function agencySaid(value: Record<string, string>): string {
  const told = STEPS.filter(([step]) => value[step]).map(
    ([step, word]) => `${w(word)} ${dateAndTime(value[step] ?? '')}`,
  );
  return [...told, value['note']].filter(Boolean).join(', ');
}

/** A value of the form in the reader's words. */
export function valueSaid(field: string, value: unknown): string {
  if (value === null || value === undefined) return r('versions.empty');
  if (field.startsWith('agencies.')) return agencySaid(value as Record<string, string>);
  if (field === 'category') return categoryName(String(value));
  if (field === 'kecamatan') return kecamatanName(String(value));
  if (field === 'disposition') return disposition(String(value));
  if (field === 'coordinates' && typeof value === 'object') {
    const { latitude, longitude } = value as { latitude: unknown; longitude: unknown };
    return `${latitude}, ${longitude}`;
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A field's name in the reader's words. */
export const fieldSaid = (field: string): string =>
  field.startsWith('agencies.') ? field.slice('agencies.'.length) : maybe('field', field);

export function ReadForm({ whole }: { whole: Incident }) {
  const id = useId();
  const form = (whole.written?.form ?? {}) as Record<string, unknown>;
  const { agencies, ...fields } = form;
  const rows = [
    ...Object.entries(fields),
    ...Object.entries((agencies ?? {}) as object).map(([name, told]) => [`agencies.${name}`, told]),
  ] as [string, unknown][];
  return (
    <section class="card form" aria-labelledby={id}>
      <h2 id={id}>{r('form')}</h2>
      {rows.length === 0 && <p class="muted">{r('form_empty')}</p>}
      <dl class="data">
        {rows.map(([field, value]) => (
          <div key={field}>
            <dt>{fieldSaid(field)}</dt>
            <dd>{valueSaid(field, value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
