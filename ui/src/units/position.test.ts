import { expect, it } from "vitest";
import { formatLatitude, formatLongitude } from "./position";

it.each([
  [60.1252, "60°07.512′ N"],
  [-33.5, "33°30.000′ S"],
  [0, "00°00.000′ N"],
  [-0.000_000_1, "00°00.000′ N"],
  [59.999_999_9, "60°00.000′ N"],
])("latitude %d is %s", (degrees, text) => expect(formatLatitude(degrees)).toBe(text));

it.each([
  [24.97271, "024°58.363′ E"],
  [-5.1, "005°06.000′ W"],
  [-180, "180°00.000′ W"],
])("longitude %d is %s", (degrees, text) => expect(formatLongitude(degrees)).toBe(text));
