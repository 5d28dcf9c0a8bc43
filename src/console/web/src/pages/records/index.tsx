/** The page of records: finding them, reading one whole, and working on it. */
import { useEffect } from 'preact/hooks';
import { Tabs } from '../../components/tabs';
import { sayRefused } from '../../components/toast';
import { navigate, rest } from '../../router';
import '../supervisor/supervisor.css';
import { readChoices } from '../taker/choices';
import '../taker/taker.css';
import { MarkList } from './marks';
import { may } from './may';
import { RecordPage } from './record';
import './records.css';
import { Search } from './search';
import { r } from './words';

export default function Records() {
  useEffect(() => {
    readChoices().catch(sayRefused);
  }, []);
  const at = rest.value;
  if (at && at !== 'marks') {
    const id = decodeURIComponent(at);
    return <RecordPage key={id} id={id} />;
  }
  if (!may('marks')) {
    return (
      <>
        <h1 class="hidden">{r('title')}</h1>
        <Search />
      </>
    );
  }
  return (
    <>
      <h1 class="hidden">{r('title')}</h1>
      <Tabs
        label={r('title')}
        tabs={[
          { key: 'find', name: r('find') },
          { key: 'marks', name: r('marks.list') },
        ]}
        chosen={at === 'marks' ? 'marks' : 'find'}
        onChoose={(key) => navigate(key === 'find' ? '/records' : '/records/marks')}
      >
        {at === 'marks' ? <MarkList /> : <Search />}
      </Tabs>
    </>
  );
}
