import { expect, it } from "vitest";
import { contextOf, detailRoute, listRoute, OWN } from "./route";

const other = "vessels.urn:mrn:imo:mmsi:230000001";

it("a path of any vessel has an address", () => {
  expect(detailRoute("a.b", undefined)).toBe("/data/a.b");
  expect(detailRoute("a/b", undefined, "edit")).toBe("/data/a%2Fb/edit");
  expect(contextOf(detailRoute("a.b", other))).toBe(other);
  expect(contextOf(listRoute(other))).toBe(other);
});

it("own ship is what is shown without a vessel", () => {
  expect(contextOf(listRoute(undefined))).toBeUndefined();
  expect(contextOf(`/data?vessel=${OWN}`)).toBeUndefined();
  expect(contextOf("/data?vessel=")).toBeUndefined();
});
