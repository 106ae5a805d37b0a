import { memo, useMemo, type CSSProperties } from "react";
import { instruments, type Instrument } from "../instruments";
import { useDashboard, useStore } from "../state/hooks";
import type { UnitMode } from "../units/format";
import { AgeText } from "./age-text";

export function Instruments({ mode }: { mode: UnitMode }) {
  const vessel = useStore(useDashboard().vessel);
  const tiles = useMemo(() => instruments(vessel, mode), [vessel, mode]);
  if (tiles.length === 0) return null;
  return (
    <section className="instruments" aria-label="Instruments" style={{ "--columns": columns(tiles) } as CSSProperties}>
      {tiles.map((tile) => (
        <Tile key={tile.id} tile={tile} />
      ))}
    </section>
  );
}

/** Columns on a wide screen, so that the rows come out equally full; a wide tile takes two. */
function columns(tiles: readonly Instrument[]): number {
  const cells = tiles.reduce((sum, tile) => sum + Math.min(tile.lines.length, 2), 0);
  return Math.max(4, Math.ceil(cells / Math.ceil(cells / 6)));
}

const Tile = memo(
  function Tile({ tile }: { tile: Instrument }) {
    return (
      <div className="card tile" data-testid={`tile-${tile.id}`} data-wide={tile.lines.length > 1}>
        <h2>{tile.label}</h2>
        <div className="reading">
          <p className="number">
            {tile.lines.map((line, index) => (
              <span className="line" key={index}>
                {line.text}
                {line.units !== "" && <span className={line.units === "°" ? "degree" : "unit"}>{line.units}</span>}
              </span>
            ))}
          </p>
          {tile.needle !== undefined && <Needle angle={tile.needle} kind={tile.needleKind} />}
        </div>
        <p className="muted note">
          <span>{tile.note}</span>
          <AgeText row={tile.row} reading={tile.row.latest} />
        </p>
      </div>
    );
  },
  (before, after) => sameTile(before.tile, after.tile),
);

/** Tiles are computed anew for each snapshot; only what they show matters. */
function sameTile(a: Instrument, b: Instrument): boolean {
  return (
    a.row === b.row &&
    a.note === b.note &&
    a.needle === b.needle &&
    a.lines.length === b.lines.length &&
    a.lines.every((line, index) => line.text === b.lines[index]?.text && line.units === b.lines[index]?.units)
  );
}

/** A dial seen from above, bow (or north) up. */
function Needle({ angle, kind }: { angle: number; kind: Instrument["needleKind"] }) {
  const degrees = (angle * 180) / Math.PI;
  return (
    <svg className="needle" data-kind={kind} viewBox="-20 -20 40 40" aria-hidden="true">
      <circle r="17" />
      <path className="tick" d="M0-17v4M17 0h-4M0 17v-4M-17 0h4" />
      <g transform={`rotate(${degrees.toFixed(1)})`}>
        {kind === "wind" ? <path className="hand" d="M0-6 5-17H-5Z" /> : <path className="hand" d="M0-13 5 9 0 5-5 9Z" />}
      </g>
    </svg>
  );
}
