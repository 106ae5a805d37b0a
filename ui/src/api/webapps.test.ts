import { expect, it } from "vitest";
import { parseWebApp } from "./webapps";

it("makes a card of a package description", () => {
  const item = {
    name: "@signalk/freeboard-sk",
    version: "3.1.1",
    description: "Chart plotter",
    author: { name: "AdrianP" },
    signalk: { displayName: "Freeboard", appIcon: "./assets/icon.png" },
  };
  expect(parseWebApp(item)).toEqual([
    {
      name: "@signalk/freeboard-sk",
      title: "Freeboard",
      description: "Chart plotter",
      version: "3.1.1",
      author: "AdrianP",
      url: "/@signalk/freeboard-sk/",
      icon: "/@signalk/freeboard-sk/assets/icon.png",
    },
  ]);
});

it("finds words where there are none, and leaves out what has no name", () => {
  expect(parseWebApp({ name: "@signalk/signalk-track_map" })[0]).toMatchObject({ title: "Track map", icon: undefined, author: "" });
  expect(parseWebApp({ version: "1" })).toEqual([]);
  expect(parseWebApp(null)).toEqual([]);
});
