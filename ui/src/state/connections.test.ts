import { expect, it } from "vitest";
import { parseProviderStatus, parseStatistics } from "../signalk/server-events";
import { connectionViews } from "./connections";

it("joins rates and status, leaves plugins out, and puts the server's own parts last", () => {
  const statistics = parseStatistics({
    deltaRate: 0,
    providerStatistics: {
      defaults: { deltaCount: 1 },
      nmea: { deltaRate: 20 },
      "true-wind": { deltaRate: 1 },
      "anchor-watch": { deltaRate: 1 },
      "ws.sam": { deltaRate: 2 },
    },
  });
  const statuses = parseProviderStatus([
    { id: "gps", type: "error", statusType: "provider", message: "refused" },
    { id: "nmea", type: "status", statusType: "provider", message: "Connected" },
    { id: "anchor-watch", type: "status", statusType: "plugin", message: "ok" },
  ]);
  if (statistics === undefined || statuses === undefined) throw new Error("test data is wrong");
  const views = connectionViews(statistics.providers, statuses, new Set(["true-wind"]));
  expect(views.map((v) => [v.label, v.internal, v.rates?.deltaRate, v.status?.message])).toEqual([
    ["gps", false, undefined, "refused"],
    ["nmea", false, 20, "Connected"],
    ["WebSocket client sam", false, 2, undefined],
    ["Vessel settings", true, 0, undefined],
  ]);
});
