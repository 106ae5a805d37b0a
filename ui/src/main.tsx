import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { Live } from "./state/live";
import { applyDisplayMode } from "./theme/display";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with the id root");

applyDisplayMode();
const live = new Live();
live.start();

createRoot(root).render(
  <StrictMode>
    <App live={live} />
  </StrictMode>,
);
