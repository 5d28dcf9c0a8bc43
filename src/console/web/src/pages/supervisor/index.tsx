/** The page of supervisors: what happens now, how the day and the week went, how many seats are needed. */
import { Tabs } from '../../components/tabs';
import { navigate, rest } from '../../router';
import { Figures } from './figures';
import './supervisor.css';
import { Wall } from './wall';
import { w } from './words';

const TABS = ['wall', 'figures'] as const;

export default function Supervisor() {
  const chosen = TABS.find((tab) => tab === rest.value) ?? 'wall';
  return (
    <>
      <h1 class="hidden">{w('title')}</h1>
      <Tabs
        label={w('tabs')}
        tabs={TABS.map((key) => ({ key, name: w(`tab.${key}`) }))}
        chosen={chosen}
        onChoose={(key) => navigate(key === 'wall' ? '/supervisor' : `/supervisor/${key}`)}
      >
        {chosen === 'wall' ? <Wall /> : <Figures />}
      </Tabs>
    </>
  );
}
