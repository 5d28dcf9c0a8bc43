/** Unified differences: each changed line has its sign, its colour, and a word for who hears the page. */
import type { components } from '../../api/schema';
import { Badge } from '../../components/badge';
import { kindWord, w } from './words';

type Difference = components['schemas']['Difference'];

function Line({ line }: { line: string }) {
  const added = line.startsWith('+') && !line.startsWith('+++');
  const removed = line.startsWith('-') && !line.startsWith('---');
  return (
    <span class={added ? 'added' : removed ? 'removed' : undefined}>
      {(added || removed) && (
        <span class="hidden">{added ? w('line_added') : w('line_removed')}</span>
      )}
      {`${line}\n`}
    </span>
  );
}

export function Differences({ of }: { of: readonly Difference[] }) {
  return (
    <>
      {of.map(({ name, kind, diff }) => (
        <div key={name}>
          <p class="row">
            <strong>{name}</strong> <Badge>{kindWord(kind)}</Badge>
          </p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
          <pre class="diff" tabIndex={0}>
            <code>
              {diff
                .trimEnd()
                .split('\n')
                .map((line, at) => (
                  <Line key={at} line={line} />
                ))}
            </code>
          </pre>
        </div>
      ))}
    </>
  );
}
