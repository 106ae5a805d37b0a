import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** What this needs to know of a file of the bundle. */
export interface BundleFile {
  type: "chunk" | "asset";
  code?: string;
  source?: string | Uint8Array;
  imports?: readonly string[];
  facadeModuleId?: string | null;
  viteMetadata?: { importedCss: ReadonlySet<string>; importedAssets: ReadonlySet<string> };
}

export type Bundle = Readonly<Record<string, BundleFile>>;

/** Files that the browser loads for the chunks made from these modules: themselves, styles, and all they import at once. */
export function firstView(bundle: Bundle, modules: readonly string[]): Set<string> {
  const files = new Set<string>();
  const add = (name: string) => {
    const file = bundle[name];
    if (file === undefined || files.has(name)) return;
    files.add(name);
    for (const other of [...(file.viteMetadata?.importedCss ?? []), ...(file.viteMetadata?.importedAssets ?? [])]) files.add(other);
    for (const imported of file.imports ?? []) add(imported);
  };
  for (const module of modules) {
    const found = Object.entries(bundle).find(([, file]) => file.facadeModuleId?.replaceAll("\\", "/").endsWith(module));
    if (found === undefined) throw new Error(`no chunk is made from ${module}`);
    add(found[0]);
  }
  return files;
}

/** Bytes of a file as gzip leaves them. */
export function gzippedSize(file: BundleFile | undefined): number {
  const content = file?.code ?? file?.source;
  return content === undefined ? 0 : gzipSync(content, { level: 9 }).length;
}

/** Fails the build when the first view is larger than `limit` bytes, everything compressed with gzip. */
export function limitFirstView(modules: readonly string[], limit: number): Plugin {
  return {
    name: "first-view",
    apply: "build",
    enforce: "post",
    writeBundle(_, output) {
      const bundle = output as unknown as Bundle;
      const sizes = [...firstView(bundle, modules)].map((name) => ({ name, size: gzippedSize(bundle[name]) }));
      const total = sizes.reduce((sum, { size }) => sum + size, 0);
      const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} KB`;
      this.info(`first view: ${kilobytes(total)} of ${kilobytes(limit)} gzipped, in ${sizes.length} files`);
      if (total <= limit) return;
      const list = sizes.sort((a, b) => b.size - a.size).map(({ name, size }) => `\n  ${kilobytes(size)}  ${name}`);
      this.error(`The first view is too large. Load what only some pages need with lazy(() => import(…)).${list.join("")}`);
    },
  };
}
