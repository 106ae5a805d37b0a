import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";
import { limitFirstView } from "./scripts/first-view.ts";

export default defineConfig(({ mode }) => {
  // `npm run dev` serves the page from Vite and everything else from a running server.
  const server = loadEnv(mode, ".", "WINDLASS_").WINDLASS_URL ?? "http://localhost:3000";
  return {
    // Relative asset URLs: the same bundle works under `/admin/` or any other prefix.
    base: "./",
    // A part of the forms that is for their own tests asks for a validator that makes code; ours takes its place.
    resolve: { alias: { "@rjsf/validator-ajv8": fileURLToPath(new URL("src/forms/validator.ts", import.meta.url)) } },
    plugins: [react(), limitFirstView(["index.html", "src/pages/dashboard/index.tsx"], 400 * 1024)],
    build: {
      target: "es2022",
      // Inlined assets would be `data:` URLs, which a strict content security policy refuses.
      assetsInlineLimit: 0,
    },
    server: {
      proxy: {
        "/signalk": { target: server, ws: true },
        "/skServer": { target: server },
        "/windlass": { target: server },
        "/plugins": { target: server, ws: true },
      },
    },
    // `npm run preview` shows what was built as the server will: with the policy it sends (server/src/http/pages.rs).
    preview: {
      headers: {
        "Content-Security-Policy":
          "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws: wss:",
      },
    },
    test: {
      environment: "node",
      include: ["src/**/*.test.{ts,tsx}", "scripts/*.test.ts"],
      setupFiles: ["src/test-setup.ts"],
      // Imports files without their extension, which only the bundler finds.
      server: { deps: { inline: [/@rjsf/] } },
    },
  };
});
