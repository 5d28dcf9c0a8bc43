/** Two admins at once: what the other has changed, and what becomes of one's own changes. */
import { Button } from '../../components/button';
import { Icon } from '../../components/icon';
import { Differences } from './difference';
import { both, change, goOn, shown, theirs } from './policy';
import { w } from './words';

export function Moved() {
  const files = shown.value?.files ?? [];
  return (
    <section class="card moved" aria-labelledby="moved" role="alert">
      <h2 id="moved">
        <Icon name="warn" /> {w('moved_title')}
      </h2>
      <p>{w('moved')}</p>
      {theirs.value.map(({ version, changed }) => (
        <div key={version.number}>
          <h3>{w('moved_by', { n: version.number, by: version.by, why: version.why })}</h3>
          <Differences of={changed} />
        </div>
      ))}
      {both().map((name) => (
        <div key={name} class="row">
          <p>{w('moved_same', { file: name })}</p>
          <Button
            onPress={() => change(name, files.find((one) => one.name === name)?.text ?? null)}
          >
            {w('take_theirs', { file: name })}
          </Button>
        </div>
      ))}
      <div class="row">
        <Button kind="primary" onPress={goOn}>
          {w('go_on')}
        </Button>
      </div>
    </section>
  );
}
