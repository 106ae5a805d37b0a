import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./components/app";
import { Dashboard } from "./state/dashboard";
import { DashboardContext } from "./state/hooks";
import "./styles/tokens.css";
import "./styles/layout.css";
import "./styles/cards.css";
import "./styles/values.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with the id root");

const dashboard = new Dashboard();
dashboard.start();

createRoot(root).render(
  <StrictMode>
    <DashboardContext value={dashboard}>
      <App />
    </DashboardContext>
  </StrictMode>,
);
