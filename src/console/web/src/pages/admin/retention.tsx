/** How long what is kept, and what was deleted. */
import { useEffect, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import { dateAndTime } from '../../clock';
import { Button } from '../../components/button';
import { Table } from '../../components/table';
import { inWords } from '../../components/toast';
import { disposition, t } from '../../messages';
import { navigate } from '../../router';
import { RETENTION } from './fields';
import { file } from './routing';
import { w } from './words';

type Report = components['schemas']['Report'];

export function Retention() {
  const [report, setReport] = useState<Report | null>(null);
  const [wrong, setWrong] = useState<string>();
  useEffect(() => {
    ask(api.GET('/api/v1/retention/report'))
      .then(setReport)
      .catch((error) => setWrong(inWords(error)));
  }, []);
  if (wrong) return <p class="error">{wrong}</p>;
  if (report === null) return <p>{t('app.loading')}</p>;
  const days = (n: number) => w('days', { n });
  return (
    <>
      {report.rules.length === 0 ? (
        <p class="band warn">{w('no_rules')}</p>
      ) : (
        <Table
          caption={w('keep_caption')}
          rows={report.rules}
          rowKey={(row) => row.calls}
          columns={[
            {
              name: w('keep_kind'),
              cell: (row) => (row.calls === 'none' ? w('not_judged') : disposition(row.calls)),
            },
            { name: w('keep_audio'), number: true, cell: (row) => days(row.audio_days) },
            { name: w('keep_record'), number: true, cell: (row) => days(row.record_days) },
            { name: w('keep_trace'), number: true, cell: (row) => days(row.trace_days) },
            { name: w('ground'), cell: (row) => row.ground },
          ]}
        />
      )}
      <p>
        {report.access_log_days == null
          ? w('log_ever')
          : w('log_days', { n: report.access_log_days })}
      </p>
      <div class="row">
        <Button
          onPress={() => {
            file.value = RETENTION;
            navigate('/admin/routing');
          }}
        >
          {w('change_retention')}
        </Button>
        <p class="muted">{w('change_retention_hint')}</p>
      </div>
      <Table
        caption={w('rounds_caption')}
        rows={report.rounds}
        rowKey={(row) => `${row.node} ${row.at}`}
        columns={[
          { name: w('at'), cell: (row) => dateAndTime(row.at) },
          { name: w('keep_audio'), number: true, cell: (row) => row.audio },
          { name: w('keep_record'), number: true, cell: (row) => row.records },
          { name: w('keep_trace'), number: true, cell: (row) => row.traces },
          { name: w('held'), number: true, cell: (row) => row.held },
          { name: w('failed'), number: true, cell: (row) => row.failed },
        ]}
      />
    </>
  );
}
