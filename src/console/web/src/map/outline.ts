// The borders of the regency's kecamatan, the centre's own or the shipped outline, loaded only where a map is shown.
// It must never be taken for surveyed borders: `attribution` says so on every map.

/** One kecamatan: all its polygons, longitude before latitude (RFC 7946). */
export interface Kecamatan {
  type: 'Feature';
  id: string;
  properties: { code: string; name: string; label: [number, number] };
  geometry: { type: 'MultiPolygon'; coordinates: [number, number][][][] };
}

/** The regency. */
export interface Outline {
  type: 'FeatureCollection';
  approximate: boolean;
  attribution: string;
  features: Kecamatan[];
}

let loaded: Promise<Outline> | undefined;

/** The outline, that of the centre where it has one; read once. */
export function outline(): Promise<Outline> {
  loaded ??= own().then(
    (found) => found ?? import('./outline.json').then((file) => file.default as unknown as Outline),
  );
  return loaded;
}

/** The borders that the centre keeps; null: none, or they cannot be read now. */
async function own(): Promise<Outline | null> {
  try {
    const answer = await fetch('/api/v1/places/outline', { credentials: 'same-origin' });
    return answer.ok ? ((await answer.json()) as Outline) : null;
  } catch {
    return null;
  }
}

/** The kecamatan at a place, by the even-odd rule; undefined at sea and outside the regency. */
export function kecamatanAt(
  { features }: Outline,
  latitude: number,
  longitude: number,
): Kecamatan | undefined {
  return features.find(({ geometry }) =>
    geometry.coordinates.some((polygon) =>
      polygon.every((ring, i) => inside(ring, latitude, longitude) === (i === 0)),
    ),
  );
}

function inside(ring: [number, number][], latitude: number, longitude: number): boolean {
  let odd = false;
  let last = ring.at(-1);
  for (const point of ring) {
    if (last) {
      const [x, y] = point;
      const [lastX, lastY] = last;
      if (
        y > latitude !== lastY > latitude &&
        longitude < ((lastX - x) * (latitude - y)) / (lastY - y) + x
      )
        odd = !odd;
    }
    last = point;
  }
  return odd;
}
