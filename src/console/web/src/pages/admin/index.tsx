/** The page of admins: routing and its versions, trunks and seats, people, tokens, prompts, retention, audit. */
import { Tabs } from '../../components/tabs';
import { navigate, rest } from '../../router';
import { Deeds } from '../auditor/log';
import '../supervisor/supervisor.css';
import './admin.css';
import { People } from './people';
import { Prompts } from './prompts';
import { Retention } from './retention';
import { Routing } from './routing';
import { Status } from './status';
import { Tokens } from './tokens';
import { Versions } from './versions';
import { w } from './words';

const TABS = [
  'routing',
  'versions',
  'prompts',
  'status',
  'people',
  'tokens',
  'retention',
  'audit',
] as const;
const SHOWN = {
  routing: Routing,
  versions: Versions,
  prompts: Prompts,
  status: Status,
  people: People,
  tokens: Tokens,
  retention: Retention,
  audit: Deeds,
};

export default function Admin() {
  const chosen = TABS.find((tab) => tab === rest.value) ?? 'routing';
  const Shown = SHOWN[chosen];
  return (
    <>
      <h1 class="hidden">{w('title')}</h1>
      <Tabs
        label={w('tabs')}
        tabs={TABS.map((key) => ({ key, name: w(`tab.${key}`) }))}
        chosen={chosen}
        onChoose={(key) => navigate(`/admin/${key}`)}
      >
        <Shown />
      </Tabs>
    </>
  );
}
