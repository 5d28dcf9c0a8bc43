/** How many seats each hour needs, by this centre's own records played through the simulated queue; a hint, and it says
 * what it rests on. */
import { useEffect, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import { dateAndTime } from '../../clock';
import { Badge } from '../../components/badge';
import { SelectField } from '../../components/field';
import { Icon } from '../../components/icon';
import { Table } from '../../components/table';
import { inWords } from '../../components/toast';
import { queues } from '../../live/store';
import { language, t } from '../../messages';
import { percent } from './board';
import { assumedWord, fromWord, h } from './staffing_words';

type Staffing = components['schemas']['Staffing'];
type Need = components['schemas']['HourNeed'];

const DAYS = ['7', '28', '56', '92'];
/** A Monday; days of the week are named from it. */
const MONDAY = Date.UTC(2026, 10, 23);

const weekday = (n: number) =>
  new Date(MONDAY + (n - 1) * 86_400_000).toLocaleDateString(language.value, {
    weekday: 'long',
    timeZone: 'UTC',
  });

const clock = (hour: number) => `${String(hour).padStart(2, '0')}.00`;

function Now({ of }: { of: Staffing }) {
  const { needed_now, at_work, signed_in, hour } = of.today;
  const short = at_work < needed_now;
  return (
    <section class="card" aria-labelledby="now-needed">
      <h2 id="now-needed">{h('now')}</h2>
      <p class="row" role="status">
        <Badge tone={short ? 'bad' : 'good'} icon={short ? 'warn' : 'check'}>
          {short ? h('now.short', { n: needed_now - at_work }) : h('now.enough')}
        </Badge>
        <span>
          {h('now.detail', { hour: clock(hour), needed: needed_now, at_work, signed_in })}
        </span>
      </p>
    </section>
  );
}

function Needs({ of, caption, plan }: { of: Need[]; caption: string; plan?: number[] }) {
  return (
    <Table
      caption={caption}
      quietCaption
      rows={of}
      rowKey={(row) => String(row.hour)}
      columns={[
        { name: h('hour'), cell: (row) => clock(row.hour) },
        {
          name: h('seats'),
          number: true,
          cell: (row) => (row.enough ? <strong>{row.seats}</strong> : h('not_enough')),
        },
        ...(plan
          ? [{ name: h('today'), number: true, cell: (row: Need) => plan[row.hour] ?? '–' }]
          : []),
        { name: h('calls_hour'), number: true, cell: (row) => row.calls_per_hour.toFixed(1) },
        { name: h('held'), number: true, cell: (row) => Math.round(row.held_seconds) },
        { name: h('within', { n: 15 }), number: true, cell: (row) => percent(row.answered_15s) },
        { name: h('within', { n: 20 }), number: true, cell: (row) => percent(row.answered_20s) },
        { name: h('load'), number: true, cell: (row) => percent(row.busy) },
        {
          name: h('note'),
          cell: (row) => (row.few ? <Badge tone="warn">{h('few', { n: row.calls })}</Badge> : ''),
        },
      ]}
    />
  );
}

export function StaffingHint() {
  const [days, setDays] = useState('28');
  const [queue, setQueue] = useState('');
  const [found, setFound] = useState<Staffing | null>(null);
  const [day, setDay] = useState('all');
  const [wrong, setWrong] = useState<string>();
  useEffect(() => {
    let left = false;
    setWrong(undefined);
    const query = { days: Number(days), ...(queue && { queue }) };
    ask(api.GET('/api/v1/reports/staffing', { params: { query } }))
      .then((told) => left || setFound(told))
      .catch((error) => left || setWrong(inWords(error)));
    return () => {
      left = true;
    };
  }, [days, queue]);
  const own = found?.weekdays?.find((one) => String(one.weekday) === day);
  return (
    <>
      <p>{h('intro')}</p>
      <div class="form-row">
        <SelectField
          label={h('days')}
          value={days}
          onInput={setDays}
          choices={DAYS.map((value) => ({ value, label: h('days_n', { n: value }) }))}
          error={wrong}
        />
        {queues.value.length > 1 && (
          <SelectField
            label={h('queue')}
            value={queue}
            onInput={setQueue}
            choices={[
              { value: '', label: h('queue.usual') },
              ...queues.value.map(({ id }) => ({ value: id, label: id })),
            ]}
          />
        )}
        {found?.weekdays && (
          <SelectField
            label={h('weekday')}
            value={day}
            onInput={setDay}
            choices={[
              { value: 'all', label: h('weekday.all') },
              ...found.weekdays.map((one) => ({
                value: String(one.weekday),
                label: weekday(one.weekday),
              })),
            ]}
          />
        )}
      </div>
      {found === null && !wrong && <p>{t('app.loading')}</p>}
      {found && (
        <>
          {!found.reliable && (
            <p class="band warn" role="status">
              <Icon name="warn" /> {h('unreliable', { n: found.calls, days: found.days_seen })}
            </p>
          )}
          <Now of={found} />
          <section class="card" aria-labelledby="needed">
            <h2 id="needed">
              {h('needed', {
                a: percent(found.target_15s),
                b: percent(found.target_20s),
              })}
            </h2>
            <Needs
              of={own?.hours ?? found.hours}
              caption={h('seats')}
              {...(own ? {} : { plan: found.today.plan })}
            />
          </section>
          <section class="card" aria-labelledby="assumed">
            <h2 id="assumed">{h('assumed')}</h2>
            <ul>
              {found.assumed.map((one) => (
                <li key={one.what}>
                  {assumedWord(one.what)}
                  {one.seconds != null && `: ${h('s', { n: one.seconds.toFixed(0) })}`} (
                  {fromWord(one.from)})
                </li>
              ))}
            </ul>
            <p class="muted">
              {h('made', {
                at: dateAndTime(found.made_at),
                since: dateAndTime(found.since),
                until: dateAndTime(found.until),
                n: found.calls,
              })}
            </p>
          </section>
        </>
      )}
    </>
  );
}
