import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const PAGES = import.meta.dirname;

function filesOf(page: string, ending: string): string[] {
  const all = readdirSync(join(PAGES, page), { recursive: true, encoding: "utf8" });
  return all.filter((name) => name.endsWith(ending)).map((name) => readFileSync(join(PAGES, page, name), "utf8"));
}

/** The first class of each selector: what it is below. */
function outermost(css: string): string[] {
  const rules = css.replace(/\/\*[\s\S]*?\*\//g, "").matchAll(/(?:^|[{}])\s*([^{}@]+)\{/g);
  const selectors = [...rules].flatMap((rule) => (rule[1] ?? "").split(","));
  return selectors.flatMap((selector) => /\.([\w-]+)/.exec(selector.replace(/^\s*\S*\[data-kiosk[^ ]* /, ""))?.[1] ?? []);
}

/** Every class that is written down in components. */
function classes(code: string): string[] {
  const written = code.matchAll(/[cC]lassName=(?:"([^"]*)"|\{`([^`]*)`)/g);
  return [...written].flatMap((one) => (one[1] ?? one[2] ?? "").split(/\s+/));
}

const pages = readdirSync(PAGES, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));

/** The styles of a page stay in the document when somebody goes on to the next one. */
it.each(pages)("the styles of %s mean nothing on other pages", (page) => {
  const mine = new Set(filesOf(page, ".css").flatMap(outermost));
  // What the shell draws around each page.
  mine.delete("page");
  const others = pages.filter((other) => other !== page);
  const shared = others.flatMap((other) => filesOf(other, ".tsx").flatMap(classes).flatMap((name) => (mine.has(name) ? `${other}: ${name}` : [])));
  expect([...new Set(shared)]).toEqual([]);
});
