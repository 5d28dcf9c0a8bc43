/** The call taker's page. */
export default function Taker() {
  return <h1>Taker</h1>;
}
