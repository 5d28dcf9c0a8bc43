/** The page of auditors: who looked at what, who did what, whether the record is whole, and what leaves the house. */
import { Tabs } from '../../components/tabs';
import { navigate, rest } from '../../router';
import '../supervisor/supervisor.css';
import { Exports } from './exports';
import { AccessLog, Deeds } from './log';
import { Proof } from './proof';
import { w } from './words';

const TABS = ['access', 'deeds', 'proof', 'exports'] as const;
const SHOWN = { access: AccessLog, deeds: Deeds, proof: Proof, exports: Exports };

export default function Auditor() {
  const chosen = TABS.find((tab) => tab === rest.value) ?? 'access';
  const Shown = SHOWN[chosen];
  return (
    <>
      <h1 class="hidden">{w('title')}</h1>
      <Tabs
        label={w('tabs')}
        tabs={TABS.map((key) => ({ key, name: w(`tab.${key}`) }))}
        chosen={chosen}
        onChoose={(key) => navigate(`/auditor/${key}`)}
      >
        <Shown />
      </Tabs>
    </>
  );
}
