import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const css = readFileSync(join(import.meta.dirname, "../styles/tokens.css"), "utf8");

/** Of text, at least; with red light on black there can be 5.25. Axe can't see it: it does not know of the veil. */
const ENOUGH = 4;

/** The tokens of the red theme. */
function redTokens(): Map<string, string> {
  const blocks = css.matchAll(/\[data-display="red"\] \{([^}]*)\}/g);
  const all = [...blocks].map((block) => block[1] ?? "").join("");
  return new Map([...all.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map((one) => [one[1] ?? "", one[2] ?? ""]));
}

/** How bright a colour is when only its red light is left. */
function brightness(colour: string): number {
  const red = Number.parseInt(colour.slice(1, 3), 16) / 255;
  return 0.2126 * (red <= 0.04045 ? red / 12.92 : ((red + 0.055) / 1.055) ** 2.4);
}

it("what is written in red light can be read", () => {
  const tokens = redTokens();
  const contrast = (text: string, ground: string) => {
    const [one, other] = [tokens.get(text), tokens.get(ground)];
    if (one === undefined || other === undefined) throw new Error(`there is no ${text} or no ${ground}`);
    return (brightness(one) + 0.05) / (brightness(other) + 0.05);
  };
  const texts = ["text", "muted", "accent", "good", "caution", "bad", "severe"];
  const pairs = [
    ...texts.flatMap((text) => ["page", "card", "raised"].map((ground) => [text, ground])),
    ...["accent", "good", "caution", "bad", "severe"].flatMap((state) => [[state, `${state}-soft`], ["text", `${state}-soft`]]),
    ["top-text", "top"],
    ["top-muted", "top"],
    ["mantine-color-white", "filled"],
    ["mantine-color-white", "mantine-color-red-filled"],
  ] as [string, string][];
  const poor = pairs.filter(([text, ground]) => contrast(text, ground) < ENOUGH).map(([text, ground]) => `${text} on ${ground}: ${contrast(text, ground).toFixed(2)}`);
  expect(poor).toEqual([]);
});
