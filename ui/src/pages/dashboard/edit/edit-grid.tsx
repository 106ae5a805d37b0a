import { useMemo, type CSSProperties } from "react";
import { useMediaQuery } from "@mantine/hooks";
import { GridLayout, useContainerWidth, verticalCompactor, type LayoutItem } from "react-grid-layout";
import "react-grid-layout/css/styles.css";
import { inReadingOrder, moveBy, resizeBy, withPlaces, type Direction } from "../model/grid";
import { moveInOrder } from "../model/edit";
import { COLUMNS, type DashboardPage, type Widget } from "../model/types";
import { widgetKind } from "../widgets/registry";
import { EditCard } from "./edit-card";

/** As in the style sheet: height of a row, and the space between. */
const ROW = 48;
const GAP = 10;
const LEAST = { w: 2, h: 2 };

interface EditGridProps {
  page: DashboardPage;
  /** The widget to go to: it has just been added. */
  focus: string | undefined;
  onWidgets: (widgets: readonly Widget[]) => void;
  onRemove: (widget: Widget) => void;
  onSettings: (widget: Widget) => void;
  /** Tells those who can't see what has changed. */
  say: (text: string) => void;
}

/** The widgets to be moved and sized, by pointer, finger or keys. On a phone they have an order instead of places. */
export function EditGrid({ page, focus, onWidgets, onRemove, onSettings, say }: EditGridProps) {
  const isPhone = useMediaQuery("(max-width: 700px)", undefined, { getInitialValueInEffect: false });
  const { widgets } = page;
  const { width, containerRef, mounted } = useContainerWidth();

  const move = (widget: Widget, direction: Direction) => {
    if (isPhone) {
      if (direction === "left" || direction === "right") return;
      const moved = moveInOrder(widgets, widget.id, direction === "up" ? -1 : 1);
      onWidgets(moved);
      say(moved === widgets ? "It can't go further" : `Now number ${moved.findIndex((one) => one.id === widget.id) + 1} of ${moved.length}`);
      return;
    }
    tell(withPlaces(widgets, moveBy(widgets, widget.id, direction)), widget, (at) => `Column ${at.x + 1}, row ${at.y + 1}`);
  };
  const resize = (widget: Widget, direction: Direction) =>
    tell(withPlaces(widgets, resizeBy(widgets, widget.id, direction, leastOf(widget))), widget, (at) => `${at.w} wide, ${at.h} high`);
  const tell = (changed: readonly Widget[], widget: Widget, words: (at: Widget) => string) => {
    const at = changed.find((one) => one.id === widget.id);
    if (changed === widgets || at === undefined) {
      say("It can't go further");
      return;
    }
    onWidgets(changed);
    say(words(at));
  };
  const card = (widget: Widget) => (
    <EditCard
      widget={widget}
      isPhone={isPhone}
      isNew={widget.id === focus}
      move={(direction) => move(widget, direction)}
      resize={(direction) => resize(widget, direction)}
      remove={() => onRemove(widget)}
      settings={() => onSettings(widget)}
    />
  );
  const layout = useMemo(() => widgets.map(itemOf), [widgets]);
  const setPlaces = (items: readonly LayoutItem[]) =>
    onWidgets(withPlaces(widgets, items.map(({ i, x, y, w, h }) => ({ id: i, x, y, w, h }))));

  if (isPhone) {
    return (
      <div className="grid" data-testid="grid">
        {widgets.map((widget) => (
          <div key={widget.id} className="widget" style={{ "--h": widget.h } as CSSProperties} data-widget={widget.id} data-testid={`widget-${widget.id}`}>
            {card(widget)}
          </div>
        ))}
      </div>
    );
  }
  return (
    <div ref={containerRef} className="edit-grid" data-testid="grid">
      {mounted && (
        <GridLayout
          width={width}
          layout={layout}
          gridConfig={{ cols: COLUMNS, rowHeight: ROW, margin: [GAP, GAP], containerPadding: [0, 0] }}
          dragConfig={{ handle: "[data-move]" }}
          resizeConfig={{ handles: ["se"] }}
          compactor={verticalCompactor}
          onDragStop={setPlaces}
          onResizeStop={setPlaces}
        >
          {inReadingOrder(widgets).map((widget) => (
            <div
              key={widget.id}
              className="widget"
              data-widget={widget.id}
              data-place={`${widget.x},${widget.y},${widget.w},${widget.h}`}
              data-testid={`widget-${widget.id}`}
            >
              {card(widget)}
            </div>
          ))}
        </GridLayout>
      )}
    </div>
  );
}

function itemOf(widget: Widget): LayoutItem {
  const { w, h } = leastOf(widget);
  return { i: widget.id, x: widget.x, y: widget.y, w: widget.w, h: widget.h, minW: Math.min(w, widget.w), minH: Math.min(h, widget.h) };
}

function leastOf({ kind }: Widget): { w: number; h: number } {
  return widgetKind(kind)?.least ?? LEAST;
}
