/** When the centre is busy: by hour of day, by day, by lane and by what the calls were. */
import { useEffect, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import { SelectField } from '../../components/field';
import { Table } from '../../components/table';
import { inWords } from '../../components/toast';
import { disposition, laneName, t } from '../../messages';
import { percent, seconds } from './board';
import { h } from './staffing_words';

type Report = components['schemas']['HoursReport'];
type Figures = components['schemas']['HourFigures'];

const SPLITS = ['by_hour', 'by_day', 'by_lane', 'by_disposition'] as const;
type Split = (typeof SPLITS)[number];

function named(split: Split, row: Figures): string {
  if (row.slice === 'all') return h('whole');
  if (split === 'by_hour') return `${row.slice}.00`;
  if (split === 'by_lane') return laneName(row.slice);
  if (split === 'by_disposition')
    return row.slice === '-' ? h('not_judged') : disposition(row.slice);
  return row.slice;
}

/** Figures of a period; `since` and `until` are days. */
export function Hours({ since, until }: { since: string; until: string }) {
  const [report, setReport] = useState<Report | null>(null);
  const [wrong, setWrong] = useState<string>();
  const [split, setSplit] = useState<Split>('by_hour');
  useEffect(() => {
    let left = false;
    const query = { since, until, format: 'json' };
    ask(api.GET('/api/v1/reports/hours', { params: { query } }))
      .then((found) => {
        if (left) return;
        setReport(found);
        setWrong(undefined);
      })
      .catch((error) => left || setWrong(inWords(error)));
    return () => {
      left = true;
    };
  }, [since, until]);
  const timed = split === 'by_hour' || split === 'by_day';
  return (
    <section class="card" aria-labelledby="busy">
      <h2 id="busy">{h('busy')}</h2>
      <SelectField
        label={h('split')}
        value={split}
        onInput={(value) => setSplit(SPLITS.find((one) => one === value) ?? 'by_hour')}
        choices={SPLITS.map((value) => ({ value, label: h(value) }))}
        error={wrong}
      />
      {report === null && !wrong && <p>{t('app.loading')}</p>}
      {report && (
        <Table
          caption={h(split)}
          quietCaption
          rows={[...report[split], report.whole]}
          rowKey={(row) => row.slice}
          columns={[
            {
              name: h(split),
              cell: (row) =>
                row.slice === 'all' ? <strong>{named(split, row)}</strong> : named(split, row),
            },
            { name: h('offered'), number: true, cell: (row) => row.offered },
            { name: h('answered'), number: true, cell: (row) => row.answered },
            {
              name: h('abandoned'),
              number: true,
              cell: (row) =>
                row.abandoned_short > 0
                  ? h('short', { n: row.abandoned, short: row.abandoned_short })
                  : row.abandoned,
            },
            { name: h('lost'), number: true, cell: (row) => row.lost },
            { name: h('p50'), number: true, cell: (row) => seconds(row.wait_p50_ms) },
            { name: h('p90'), number: true, cell: (row) => seconds(row.wait_p90_ms) },
            { name: h('longest'), number: true, cell: (row) => seconds(row.wait_max_ms) },
            ...(timed
              ? [
                  {
                    name: h('occupancy'),
                    number: true,
                    cell: (row: Figures) => percent(row.occupancy),
                  },
                ]
              : []),
          ]}
        />
      )}
      <p class="muted">{h('short_note')}</p>
    </section>
  );
}
