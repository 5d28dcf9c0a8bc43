/** The page of auditors. */
export default function Auditor() {
  return <h1>Auditor</h1>;
}
