import { expect, it } from "vitest";
import { parseProviderStatus, parseStatistics, parseVesselInfo } from "./server-events";

it("reads the statistics", () => {
  const statistics = parseStatistics({
    deltaRate: 44.2,
    numberOfAvailablePaths: 42,
    wsClients: 3,
    uptime: 30.75,
    providerStatistics: {
      nmea: { writeRate: 1.5, writeCount: 9, deltaRate: 21.8, deltaCount: 648, lastIntervalDeltaCount: 550 },
      broken: null,
    },
  });
  expect(statistics).toEqual({
    deltaRate: 44.2,
    numberOfAvailablePaths: 42,
    wsClients: 3,
    uptime: 30.75,
    providers: new Map([["nmea", { deltaRate: 21.8, deltaCount: 648, writeRate: 1.5 }]]),
  });
});

it("reads the status of connections and plugins", () => {
  expect(
    parseProviderStatus([
      { id: "gps", type: "error", statusType: "provider", timeStamp: "2026-01-01T00:00:00Z", message: "refused" },
      { id: "aw", type: "status", statusType: "plugin", message: "fine", lastError: "trap", lastErrorTimeStamp: "2026-01-01T00:00:01Z" },
      "nonsense",
    ]),
  ).toEqual([
    { id: "gps", isError: true, statusType: "provider", timestamp: Date.UTC(2026, 0, 1), message: "refused", lastError: undefined, lastErrorTimestamp: undefined },
    { id: "aw", isError: false, statusType: "plugin", timestamp: undefined, message: "fine", lastError: "trap", lastErrorTimestamp: Date.UTC(2026, 0, 1, 0, 0, 1) },
  ]);
});

it("refuses data of another shape", () => {
  expect(parseStatistics(null)).toBeUndefined();
  expect(parseProviderStatus({})).toBeUndefined();
  expect(parseVesselInfo([])).toBeUndefined();
});
