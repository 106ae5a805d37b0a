import type { CSSProperties } from "react";
import { rowsOf } from "./model/grid";
import type { DashboardPage } from "./model/types";
import { placeOf, WidgetContent } from "./widget-card";

/** A page of widgets to look at. The style sheet makes one column of it on a phone. */
export function GridView({ page }: { page: DashboardPage }) {
  return (
    <div className="grid" style={{ "--rows": rowsOf(page.widgets) } as CSSProperties} data-testid="grid">
      {page.widgets.map((widget) => (
        <div key={widget.id} className="widget" style={placeOf(widget) as CSSProperties} data-kind={widget.kind} data-testid={`widget-${widget.id}`}>
          <WidgetContent widget={widget} />
        </div>
      ))}
    </div>
  );
}
