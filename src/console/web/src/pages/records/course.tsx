/** The course of a call: its stations, the seats it was offered to, who was called back, and every step. */
import { useId } from 'preact/hooks';
import type { Incident } from '../../api/types';
import { dateAndTime } from '../../clock';
import { Table } from '../../components/table';
import { maybe } from '../taker/words';
import { type Step, steps } from './arrival';
import { byWord, causeWord, offerWord } from './course_words';
import { r } from './words';

/** With seconds: in a course they matter. */
const moment = (at: string | null | undefined) =>
  at ? new Date(at).toLocaleTimeString('sv', { hourCycle: 'h23' }) : '';

function Stations({ whole }: { whole: Incident }) {
  const id = useId();
  const stations = [
    [whole.received_at, r('course.arrived', { trunk: whole.trunk, dialled: whole.dialled })],
    [whole.queued_at, r('course.queued', { queue: whole.queue ?? '–', rule: whole.rule ?? '–' })],
    [
      whole.answered_at,
      r('course.answered', { seat: whole.seat ?? '–', operator: whole.operator ?? '–' }),
    ],
    [
      whole.ended_at,
      r('course.ended', {
        cause: causeWord(whole.cause ?? '–'),
        by: byWord(whole.ended_by ?? '–'),
      }),
    ],
  ] as const;
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{r('course')}</h2>
      <ol class="stations">
        {stations
          .filter(([at]) => at)
          .map(([at, words]) => (
            <li key={words}>
              <span class="mono">{moment(at)}</span> {words}
            </li>
          ))}
      </ol>
    </section>
  );
}

function Work({ whole }: { whole: Incident }) {
  const id = useId();
  const work = whole.work ?? [];
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{r('work')}</h2>
      {work.length === 0 && <p class="muted">{r('work.none')}</p>}
      <ul class="list">
        {work.map((one) => (
          <li key={one.id}>
            <span>
              {maybe('work', one.kind)}, {dateAndTime(one.at)}:{' '}
              {one.closed_at ? r('work.closed', { why: one.why ?? one.by ?? '–' }) : r('work.open')}
            </span>
            {one.attempts.map((attempt) => (
              <span key={attempt.call} class="muted">
                {dateAndTime(attempt.at)}, {attempt.seat}, {attempt.by}:{' '}
                {offerWord(attempt.outcome ?? '…')}
              </span>
            ))}
          </li>
        ))}
      </ul>
    </section>
  );
}

const HIDDEN = new Set(['seq', 'at', 'fact', 'call', 'incident', 'arrival']);

/** A step's own fields, short. */
function details(step: Step): string {
  const own = Object.entries(step).filter(([name, value]) => !HIDDEN.has(name) && value !== null);
  const said = own.map(([name, value]) => {
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    return `${name} ${text.length > 200 ? `${text.slice(0, 200)} …` : text}`;
  });
  return said.join(', ');
}

export function Course({ whole }: { whole: Incident }) {
  return (
    <>
      <div class="record-cards">
        <Stations whole={whole} />
        <Work whole={whole} />
      </div>
      <div class="card">
        <Table
          caption={r('offers')}
          rows={whole.offers}
          rowKey={(offer) => `${offer.seat} ${offer.at}`}
          columns={[
            { name: r('seat'), cell: (offer) => offer.seat },
            { name: r('operator'), cell: (offer) => offer.operator ?? '–' },
            { name: r('offered'), cell: (offer) => moment(offer.at) },
            { name: r('ended'), cell: (offer) => moment(offer.ended_at) },
            {
              name: r('result'),
              cell: (offer) =>
                [offerWord(offer.outcome ?? ''), offer.status].filter(Boolean).join(' '),
            },
          ]}
        />
      </div>
      <div class="card">
        <Table
          caption={r('steps')}
          rows={steps(whole)}
          rowKey={(step) => String(step.seq)}
          columns={[
            { name: r('at'), cell: (step) => <span class="mono">{moment(step.at)}</span> },
            { name: r('step'), cell: (step) => step.fact },
            { name: r('detail'), cell: (step) => <span class="wrap">{details(step)}</span> },
          ]}
        />
      </div>
    </>
  );
}
