/** The page of supervisors: what happens now, how the day and the week went, how many seats are needed. */
import { Tabs } from '../../components/tabs';
import { navigate, rest } from '../../router';
import { me } from '../../session';
import { Figures } from './figures';
import { HandingOut } from './handing_out';
import { useWarnings } from './warning';
import './supervisor.css';
import { StaffingHint } from './staffing';
import { Wall } from './wall';
import { w } from './words';

const TABS = ['wall', 'figures', 'staffing', 'handing'] as const;
const SHOWN = { wall: Wall, figures: Figures, staffing: StaffingHint, handing: HandingOut };

export default function Supervisor() {
  useWarnings();
  // The gateway decides; a tab that would only be refused is not shown.
  const role = me.value?.role;
  const tabs = TABS.filter(
    (tab) =>
      (tab !== 'handing' || role === 'supervisor') && (tab !== 'staffing' || role !== 'dispatcher'),
  );
  const chosen = tabs.find((tab) => tab === rest.value) ?? 'wall';
  const Shown = SHOWN[chosen];
  return (
    <>
      <h1 class="hidden">{w('title')}</h1>
      <Tabs
        label={w('tabs')}
        tabs={tabs.map((key) => ({ key, name: w(`tab.${key}`) }))}
        chosen={chosen}
        onChoose={(key) => navigate(key === 'wall' ? '/supervisor' : `/supervisor/${key}`)}
      >
        <Shown />
      </Tabs>
    </>
  );
}
