import L from "leaflet";
import "leaflet/dist/leaflet.css";
import { useEffect, useRef, useState } from "react";
import type { AisTarget } from "../../../state/ais";
import { useStore } from "../../../state/hooks";
import { displayMode } from "../../../theme/display";
import { fetchCharts } from "./charts";
import { TrafficLayer, type OwnShip } from "./traffic-layer";

interface AisMapProps {
  own: OwnShip | undefined;
  targets: readonly AisTarget[];
  chosen: string | undefined;
  onChoose: (context: string | undefined) => void;
  inDistance: (metres: number) => string;
}

const START_ZOOM = 12;

/** A map that needs no service: own graticule, range rings and vessels, and the charts of this server where it has some. */
export default function AisMap({ own, targets, chosen, onChoose, inDistance }: AisMapProps) {
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<L.Map>(undefined);
  const layer = useRef<TrafficLayer>(undefined);
  const choose = useRef(onChoose);
  choose.current = onChoose;
  const [isFollowing, setFollowing] = useState(true);
  const following = useRef(true);
  following.current = isFollowing;
  const mode = useStore(displayMode);

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const chart = L.map(element, {
      center: [0, 0],
      zoom: START_ZOOM,
      minZoom: 3,
      maxZoom: 18,
      zoomAnimation: false,
      fadeAnimation: false,
      inertia: false,
      attributionControl: false,
      // The page scrolls under a finger and a wheel; two fingers, or the keys, are for the map.
      dragging: !L.Browser.mobile,
      scrollWheelZoom: false,
      worldCopyJump: true,
    });
    const traffic = new TrafficLayer();
    traffic.addTo(chart);
    chart.on("dragstart", () => setFollowing(false));
    chart.on("click", (event) => choose.current(traffic.targetAt(event.containerPoint)));
    const observer = new ResizeObserver(() => chart.invalidateSize({ animate: false }));
    observer.observe(element);
    let isGone = false;
    void fetchCharts().then((charts) => {
      if (isGone) return;
      for (const { url, ...options } of charts) L.tileLayer(url, options).addTo(chart);
    });
    map.current = chart;
    layer.current = traffic;
    return () => {
      isGone = true;
      observer.disconnect();
      chart.remove();
      map.current = undefined;
      layer.current = undefined;
    };
  }, []);

  useEffect(() => {
    layer.current?.show({ own, targets, chosen, inDistance });
  }, [own, targets, chosen, inDistance, mode]);
  useEffect(() => {
    if (isFollowing && own !== undefined) map.current?.panTo([own.latitude, own.longitude], { animate: false });
  }, [own?.latitude, own?.longitude, isFollowing]);
  useEffect(() => {
    const target = targets.find((one) => one.context === chosen);
    const chart = map.current;
    if (target === undefined || chart === undefined || chart.getBounds().contains([target.latitude, target.longitude])) return;
    // Out to where both can be seen.
    const corners: L.LatLngTuple[] = [[target.latitude, target.longitude]];
    if (own !== undefined) corners.push([own.latitude, own.longitude]);
    setFollowing(false);
    chart.fitBounds(L.latLngBounds(corners).pad(0.3), { animate: false, maxZoom: START_ZOOM });
    // Only when another one is chosen: the person may look elsewhere after that.
  }, [chosen]);

  return (
    <div className="map">
      <div ref={box} className="map-box" role="application" aria-label="Map of own ship and other vessels: arrow keys move it, plus and minus zoom" data-testid="map" />
      {!isFollowing && (
        <button type="button" className="map-follow" onClick={() => setFollowing(true)}>
          Follow own ship
        </button>
      )}
    </div>
  );
}
