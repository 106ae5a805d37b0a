import { expect, it } from "vitest";
import { firstView, gzippedSize, type Bundle } from "./first-view";

const css = (name: string) => ({ importedCss: new Set([name]), importedAssets: new Set<string>() });
const bundle: Bundle = {
  "index.js": { type: "chunk", code: "a", imports: ["shared.js"], facadeModuleId: "/x/ui/index.html", viteMetadata: css("index.css") },
  "home.js": { type: "chunk", code: "b", imports: ["shared.js", "index.js"], facadeModuleId: "/x/ui/src/home.tsx" },
  "shared.js": { type: "chunk", code: "c", imports: ["index.js"], viteMetadata: css("shared.css") },
  "other.js": { type: "chunk", code: "d", imports: ["shared.js"], facadeModuleId: "/x/ui/src/other.tsx" },
  "index.css": { type: "asset", source: "a{}" },
  "shared.css": { type: "asset", source: "b{}" },
};

it("is what the entry and the first page import at once, with their styles", () => {
  const files = firstView(bundle, ["ui/index.html", "src/home.tsx"]);
  expect([...files].sort()).toEqual(["home.js", "index.css", "index.js", "shared.css", "shared.js"]);
  expect(() => firstView(bundle, ["src/gone.tsx"])).toThrow("src/gone.tsx");
});

it("is measured compressed", () => {
  expect(gzippedSize({ type: "chunk", code: "x".repeat(10_000) })).toBeLessThan(200);
  expect(gzippedSize(undefined)).toBe(0);
});
