/** Whether the record is whole: what the hash chain is, and how it is checked. */
import { w } from './words';

export function Proof() {
  return (
    <section class="card" aria-labelledby="proof">
      <h2 id="proof">{w('tab.proof')}</h2>
      <p>{w('proof.intro')}</p>
      <p>{w('proof.lines')}</p>
      <p>{w('proof.command')}</p>
      <pre>
        <code>siaga112 verify</code>
      </pre>
    </section>
  );
}
