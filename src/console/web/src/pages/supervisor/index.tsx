/** The page of supervisors. */
export default function Supervisor() {
  return <h1>Supervisor</h1>;
}
