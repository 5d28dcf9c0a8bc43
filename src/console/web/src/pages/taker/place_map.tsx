/** A map of where the caller is: the shipped outline, and tiles where the centre has a server for them. */
import L from 'leaflet';
import 'leaflet/dist/leaflet.css';
import { useEffect, useRef } from 'preact/hooks';
import type { LivePlace } from '../../api/types';
import { outline } from '../../map/outline';
import { me } from '../../session';
import { w } from './words';

/** The regency, when nothing better is known. */
const HOME: [number, number] = [-7.0, 114.2];

export default function PlaceMap({ place }: { place: LivePlace }) {
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<L.Map | null>(null);
  const layer = useRef<L.LayerGroup | null>(null);
  useEffect(() => {
    if (!box.current) return;
    const made = L.map(box.current, { zoomAnimation: false, fadeAnimation: false });
    made.attributionControl.setPrefix(false);
    made.setView(HOME, 9);
    map.current = made;
    layer.current = L.layerGroup().addTo(made);
    const site = me.value as { map_tiles?: string | null; map_credit?: string | null } | null;
    if (site?.map_tiles) {
      L.tileLayer(site.map_tiles, { attribution: site.map_credit ?? '' }).addTo(made);
    }
    outline().then(
      (regency) => {
        if (map.current !== made) return;
        L.geoJSON(regency as unknown as GeoJSON.GeoJsonObject, {
          attribution: regency.attribution,
          style: { className: 'map-kecamatan' },
          interactive: false,
        }).addTo(made);
      },
      () => {},
    );
    return () => {
      map.current = null;
      made.remove();
    };
  }, []);
  const latitude = Number(place.location?.latitude ?? Number.NaN);
  const longitude = Number(place.location?.longitude ?? Number.NaN);
  const within = place.within_m ?? 0;
  useEffect(() => {
    if (!map.current || !layer.current) return;
    layer.current.clearLayers();
    if (Number.isNaN(latitude) || Number.isNaN(longitude)) return;
    const at: [number, number] = [latitude, longitude];
    L.circleMarker(at, { radius: 7, className: 'map-caller' }).addTo(layer.current);
    if (within > 0) {
      const circle = L.circle(at, { radius: within, className: 'map-within' }).addTo(layer.current);
      map.current.fitBounds(circle.getBounds().pad(0.5), { maxZoom: 15, animate: false });
    } else {
      map.current.setView(at, 13, { animate: false });
    }
  }, [latitude, longitude, within]);
  return <section class="map" ref={box} aria-label={w('place.map')} />;
}
