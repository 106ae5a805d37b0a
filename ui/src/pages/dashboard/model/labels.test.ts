import { expect, it } from "vitest";
import { labelOf } from "./labels";

it.each([
  ["navigation.speedOverGround", "Speed over ground"],
  ["electrical.batteries.1.voltage", "Battery 1 voltage"],
  ["electrical.batteries.house.capacity.stateOfCharge", "House battery charge"],
  ["tanks.freshWater.0.currentLevel", "Fresh water 0"],
  ["propulsion.engine_1.revolutions", "Engine 1 revolutions"],
  ["electrical.switches.anchorLight.state", "Anchor light"],
  ["propulsion.port.temperature", "Port engine temperature"],
  ["electrical.switches.bank.1.state", "Bank 1"],
  ["steering.rudderAngle", "Rudder angle"],
  ["navigation.gnss.satellites", "Gnss satellites"],
  ["mmsi", "Mmsi"],
])("%s is called %s", (path, label) => expect(labelOf(path)).toBe(label));

it("a display name is what it is called", () => expect(labelOf("electrical.batteries.1.voltage", "Starter")).toBe("Starter"));
