import { expect, it } from "vitest";
import { parseFrame } from "../../signalk/frames";
import { VesselModel } from "../../signalk/vessel-model";
import { shownReading } from "./preferred";

function twoSources() {
  const model = new VesselModel();
  for (const [source, value] of [["a", 1], ["b", 2]]) {
    const frame = parseFrame(JSON.stringify({ updates: [{ $source: source, values: [{ path: "x.y", value }] }] }));
    if (frame?.kind === "delta") model.apply(frame, 0);
  }
  const row = model.snapshot().byPath.get("x.y");
  if (row === undefined) throw new Error("there is a row");
  return row;
}

it("the preferred source is shown, and without one the last that spoke", () => {
  const row = twoSources();
  expect(shownReading(row, { "x.y": "a" })).toMatchObject({ reading: { source: "a", value: 1 }, isPreferred: true });
  expect(shownReading(row, undefined)).toMatchObject({ reading: { source: "b" }, isPreferred: false });
  expect(shownReading(row, { "x.y": "gone" })).toMatchObject({ reading: { source: "b" }, isPreferred: false });
});
