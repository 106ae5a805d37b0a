import { memo } from "react";
import { ErrorBoundary } from "../../components/error-boundary";
import type { Widget } from "./model/types";
import { Face } from "./widgets/face";
import { widgetKind } from "./widgets/registry";

/** The inside of a widget, whatever kind it is. A fault in it stays in it. */
export const WidgetContent = memo(function WidgetContent({ widget }: { widget: Pick<Widget, "kind" | "settings"> }) {
  const kind = widgetKind(widget.kind);
  if (kind === undefined) {
    return (
      <Face title={widget.settings.title ?? "Unknown widget"}>
        <p className="no-value" data-testid="unknown-widget">
          This widget, “{widget.kind}”, comes from another version of this page. It is kept for that one.
        </p>
      </Face>
    );
  }
  const Component = kind.component;
  return (
    <ErrorBoundary what={`The widget “${widget.settings.title ?? kind.name}”`}>
      <Component settings={widget.settings} />
    </ErrorBoundary>
  );
});

/** The place of a widget as style variables of the grid. */
export function placeOf({ x, y, w, h }: Widget): Record<string, string> {
  return { "--x": String(x + 1), "--y": String(y + 1), "--w": String(w), "--h": String(h) };
}
