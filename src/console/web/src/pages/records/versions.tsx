/** Every version of a record: who wrote what, when, and what stood there before. */
import { useEffect, useId, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import type { Incident } from '../../api/types';
import { dateAndTime } from '../../clock';
import { Link } from '../../components/link';
import { inWords } from '../../components/toast';
import { fieldSaid, valueSaid } from './read_form';
import { r, stepName } from './words';

type Version = components['schemas']['RecordVersion'];

export function Versions({ whole }: { whole: Incident }) {
  const id = useId();
  const [versions, setVersions] = useState<Version[] | null>(null);
  const [wrong, setWrong] = useState<string>();
  const version = whole.written?.version;
  useEffect(() => {
    const params = { path: { id: whole.id } };
    ask(api.GET('/api/v1/incidents/{id}/versions', { params })).then(setVersions, (error) =>
      setWrong(inWords(error)),
    );
  }, [whole.id, version]);
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{r('versions')}</h2>
      {wrong && (
        <p class="error" role="alert">
          {wrong}
        </p>
      )}
      {versions?.length === 0 && <p class="muted">{r('versions.none')}</p>}
      <ol class="versions">
        {[...(versions ?? [])].reverse().map((one) => (
          <li key={one.version}>
            <strong>
              {r('versions.by', { step: stepName(one.step), by: one.by, at: dateAndTime(one.at) })}
            </strong>
            {one.why && <p class="muted">{one.why}</p>}
            {one.other && <Link to={`/records/${one.other}`}>{one.other}</Link>}
            <dl class="data">
              {one.changes.map((change) => (
                <div key={change.field}>
                  <dt>{fieldSaid(change.field)}</dt>
                  <dd>
                    {valueSaid(change.field, change.to)}
                    {change.from != null && (
                      <span class="muted">
                        {' '}
                        ({r('versions.was', { value: valueSaid(change.field, change.from) })})
                      </span>
                    )}
                  </dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ol>
    </section>
  );
}
