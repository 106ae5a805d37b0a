import react from "@vitejs/plugin-react";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => {
  // `npm run dev` serves the page from Vite and everything else from a running server.
  const server = loadEnv(mode, ".", "WINDLASS_").WINDLASS_URL ?? "http://localhost:3000";
  return {
    // Relative asset URLs: the same bundle works under `/admin/` or any other prefix.
    base: "./",
    plugins: [react()],
    build: {
      target: "es2022",
      // Inlined assets would be `data:` URLs, which a strict content security policy refuses.
      assetsInlineLimit: 0,
    },
    server: {
      proxy: {
        "/signalk": { target: server, ws: true },
        "/skServer": { target: server },
      },
    },
    test: {
      environment: "node",
      include: ["src/**/*.test.{ts,tsx}"],
    },
  };
});
