/** A day or a week by the hour: as charts, and as a table that says the same. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import { now } from '../../clock';
import { Chart } from '../../components/chart';
import { SelectField, TextField } from '../../components/field';
import { Icon } from '../../components/icon';
import { Table } from '../../components/table';
import { inWords } from '../../components/toast';
import { language, t } from '../../messages';
import { percent, seconds } from './board';
import { Hours } from './hours';
import { w } from './words';

type Report = components['schemas']['StandardsReport'];
type Slice = components['schemas']['Figures'];

const day = (at: number) => new Date(at).toLocaleDateString('sv');
const DAY = 86_400_000;

/** The first and the day after the last of so many days that end with `last`. */
export function period(last: string, days: number): { since: string; until: string } {
  const noon = Date.parse(`${last}T12:00:00`);
  return { since: day(noon - (days - 1) * DAY), until: day(noon + DAY) };
}

/** The hour of a slice as seconds since 1970. */
const moment = (slice: Slice) => Date.parse(slice.slice) / 1000;

const name = (slice: Slice) => {
  const at = Date.parse(slice.slice);
  if (Number.isNaN(at)) return slice.slice;
  return new Date(at).toLocaleString(language.value, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
};

export function Figures() {
  const [span, setSpan] = useState<'day' | 'week'>('day');
  const [last, setLast] = useState(day(now.peek()));
  const [report, setReport] = useState<Report | null>(null);
  const [wrong, setWrong] = useState<string>();
  const asked = useMemo(() => period(last, span === 'day' ? 1 : 7), [last, span]);
  useEffect(() => {
    let left = false;
    const query = { ...asked, by: 'hour', format: 'json' };
    ask(api.GET('/api/v1/reports/standards', { params: { query } }))
      .then((found) => {
        if (left) return;
        setReport(found);
        setWrong(undefined);
      })
      .catch((error) => left || setWrong(inWords(error)));
    return () => {
      left = true;
    };
  }, [asked]);
  const charts = useMemo(() => {
    const hours = (report?.slices ?? []).filter((slice) => !Number.isNaN(moment(slice)));
    const [from, to] = [
      Date.parse(report?.since ?? '') / 1000,
      Date.parse(report?.until ?? '') / 1000,
    ];
    return {
      from,
      to,
      moments: hours.map(moment),
      calls: [
        {
          name: w('figures.offered'),
          values: hours.map((hour) => hour.offered),
          colour: '--busy',
          shape: 'columns' as const,
        },
        {
          name: w('figures.abandoned'),
          values: hours.map((hour) => hour.abandoned),
          colour: '--bad',
          shape: 'line' as const,
          dash: [4, 4],
        },
      ],
      within: [
        {
          name: w('within', { n: 10 }),
          values: hours.map((hour) => (hour.answered_10s == null ? null : hour.answered_10s * 100)),
          colour: '--good',
          shape: 'line' as const,
        },
        {
          name: w('figures.goal'),
          values: hours.map(() => 90),
          colour: '--warn',
          shape: 'line' as const,
          dash: [8, 6],
        },
      ],
    };
    // The words of the legend are of the language.
  }, [report, language.value]);
  const csv = `/api/v1/reports/standards?since=${asked.since}&until=${asked.until}&by=hour&format=csv`;
  return (
    <>
      <div class="form-row">
        <SelectField
          label={w('figures.span')}
          value={span}
          onInput={(value) => setSpan(value === 'week' ? 'week' : 'day')}
          choices={[
            { value: 'day', label: w('figures.day') },
            { value: 'week', label: w('figures.week') },
          ]}
        />
        <TextField
          label={w('figures.until')}
          type="date"
          value={last}
          onInput={(value) => value && setLast(value)}
          error={wrong}
        />
        <a class="button plain usual" href={csv} download={`siaga112-${asked.since}.csv`}>
          <Icon name="transfer" /> {w('figures.download')}
        </a>
      </div>
      {report === null && !wrong && <p>{t('app.loading')}</p>}
      {report && charts.moments.length === 0 && <p>{w('figures.none')}</p>}
      {report && charts.moments.length > 0 && (
        <>
          <section class="card" aria-labelledby="by-hour">
            <h2 id="by-hour">{w('figures.calls')}</h2>
            <Chart
              label={w('figures.calls')}
              moments={charts.moments}
              series={charts.calls}
              from={charts.from}
              to={charts.to}
            />
          </section>
          <section class="card" aria-labelledby="within-by-hour">
            <h2 id="within-by-hour">{w('figures.within')}</h2>
            <Chart
              label={w('figures.within')}
              moments={charts.moments}
              series={charts.within}
              from={charts.from}
              to={charts.to}
              top={100}
            />
          </section>
        </>
      )}
      <Hours since={asked.since} until={asked.until} />
      {report && (
        <div class="card">
          <h2>{w('figures.table')}</h2>
          <Table
            caption={w('figures.table')}
            quietCaption
            rows={[...report.slices, report.whole]}
            rowKey={(row) => (row === report.whole ? 'whole' : row.slice)}
            columns={[
              {
                name: w('figures.slice'),
                cell: (row) =>
                  row === report.whole ? <strong>{w('figures.whole')}</strong> : name(row),
              },
              { name: w('figures.offered'), number: true, cell: (row) => row.offered },
              { name: w('figures.answered'), number: true, cell: (row) => row.answered },
              { name: w('figures.abandoned'), number: true, cell: (row) => row.abandoned },
              { name: w('figures.lost'), number: true, cell: (row) => row.lost },
              {
                name: w('within', { n: 10 }),
                number: true,
                cell: (row) => percent(row.answered_10s),
              },
              {
                name: w('within', { n: 20 }),
                number: true,
                cell: (row) => percent(row.answered_20s),
              },
              { name: w('mean'), number: true, cell: (row) => seconds(row.mean_ms) },
              { name: w('figures.p90'), number: true, cell: (row) => seconds(row.p90_ms) },
              { name: w('figures.occupancy'), number: true, cell: (row) => percent(row.occupancy) },
            ]}
          />
        </div>
      )}
    </>
  );
}
