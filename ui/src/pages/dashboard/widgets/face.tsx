import type { ReactNode } from "react";
import { AgeText } from "../../../components/age-text";
import { StateBadge } from "../../../components/state-badge";
import type { PathView } from "../../../state/hooks";
import { toneOfState } from "../model/scale";
import "./face.css";
import type { Zone } from "../../../signalk/vessel-model";

interface FaceProps {
  title: string;
  /** What is shown, the most important first: it decides whether there is data and how old it is. */
  view?: PathView | undefined;
  /** The zone the value is in; one that means something is told. */
  zone?: Zone | undefined;
  children: ReactNode;
}

/** What every widget looks like: its title, the state of its value, and the value, grey with its age when it is too old. */
export function Face({ title, view, zone, children }: FaceProps) {
  const hasData = view === undefined || view.reading !== undefined;
  const tone = zone === undefined ? "plain" : toneOfState(zone.state);
  const isWrong = tone === "caution" || tone === "bad" || tone === "severe";
  return (
    <section className="face" data-stale={view?.stale ?? false} data-tone={isWrong ? tone : undefined} aria-label={title}>
      <header>
        <h3>{title}</h3>
        {isWrong && zone !== undefined && hasData && <StateBadge tone={tone}>{zone.state}</StateBadge>}
        {view?.stale === true && view.row !== undefined && view.reading !== undefined && <AgeText row={view.row} reading={view.reading} />}
      </header>
      <div className="face-body">{hasData ? children : <NoData path={view?.path ?? ""} />}</div>
    </section>
  );
}

function NoData({ path }: { path: string }) {
  return (
    <p className="no-value" data-testid="no-value">
      {path === "" ? (
        "No path is chosen yet: edit the dashboard, and open the settings of this widget."
      ) : (
        <>
          No data yet for <code>{path}</code>
        </>
      )}
    </p>
  );
}
