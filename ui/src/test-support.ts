import type { AlarmEntry } from "./api/alarms";
import { parseFrame } from "./signalk/frames";
import { VesselModel, type PathRow, type VesselSnapshot } from "./signalk/vessel-model";

/** Time at which the readings of the rows below were current. */
export const TEST_TIME = Date.UTC(2026, 5, 1, 12);

export interface TestValue {
  value: unknown;
  source?: string;
  meta?: object;
}

/** A snapshot as the model makes it from deltas with these values. */
export function testSnapshot(values: Readonly<Record<string, TestValue>>): VesselSnapshot {
  const model = new VesselModel();
  for (const [path, { value, source, meta }] of Object.entries(values)) {
    const update = {
      $source: source ?? "test",
      values: [{ path, value }],
      meta: meta === undefined ? [] : [{ path, value: meta }],
    };
    const frame = parseFrame(JSON.stringify({ updates: [update] }));
    if (frame?.kind !== "delta") throw new Error("test values must make a delta");
    model.apply(frame, TEST_TIME);
  }
  return model.snapshot();
}

export function testRow(path: string, value: unknown, options: Omit<TestValue, "value"> = {}): PathRow {
  const row = testSnapshot({ [path]: { value, ...options } }).byPath.get(path);
  if (row === undefined) throw new Error(`no row for ${path}`);
  return row;
}

/** An entry of the history of alarms. */
export function testEntry(entry: Partial<AlarmEntry> = {}): AlarmEntry {
  return {
    id: 1,
    time: TEST_TIME,
    context: "vessels.urn:mrn:imo:mmsi:230099999",
    path: "notifications.a",
    source: "test",
    from: "normal",
    state: "alarm",
    message: "",
    silenced: undefined,
    acknowledged: undefined,
    ended: undefined,
    lost: false,
    ...entry,
  };
}
