import { Button, Progress } from "@mantine/core";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { useState } from "react";
import { fetchInstallLog, type Install } from "../../../api/packages";
import { messageOf } from "../../../api/http";
import { pluginRoute } from "../routes";
import { isOver } from "./use-installs";

/** How many are shown. */
const SHOWN = 5;
/** How far it is in each state, percent. */
const parts: Readonly<Record<Install["state"], number>> = { waiting: 5, stopping: 20, npm: 50, loading: 85, done: 100, failed: 100 };

/** What is being installed, and what came of it. */
export function InstallProgress({ installs }: { installs: readonly Install[] }) {
  if (installs.length === 0) return null;
  return (
    <section aria-labelledby="installs-title" className="installs">
      <h3 id="installs-title">What is being done</h3>
      <ul>
        {installs.slice(0, SHOWN).map((install) => (
          <InstallItem key={install.id} install={install} isLatest={installs.find(({ name }) => name === install.name) === install} />
        ))}
      </ul>
    </section>
  );
}

function InstallItem({ install, isLatest }: { install: Install; isLatest: boolean }) {
  const { name, action, state, message, plugin } = install;
  const [log, setLog] = useState<readonly string[]>();
  const show = async () => {
    try {
      setLog(await fetchInstallLog(name));
    } catch (error) {
      setLog([messageOf(error)]);
    }
  };
  return (
    <li data-testid={`install-${name}`} data-state={state}>
      <p className="install-name">
        {state === "done" && <IconCheck size={20} className="good" aria-hidden="true" />}
        {state === "failed" && <IconAlertTriangle size={20} className="bad" aria-hidden="true" />}
        <strong>{name}</strong> <span className="muted">{action === "remove" ? "is removed" : (install.version ?? "")}</span>
      </p>
      <p className={state === "failed" ? "bad" : undefined} role="status">
        {message}
      </p>
      {!isOver(install) && <Progress value={parts[state]} animated aria-label={`${name}: ${message}`} />}
      {isLatest && state === "done" && action === "install" && plugin !== null && (
        <a className="install-open" href={`#${pluginRoute(plugin)}`} data-testid={`open-${plugin}`}>
          Look at it and switch it on
        </a>
      )}
      {state === "failed" && log === undefined && (
        <Button variant="subtle" onClick={() => void show()}>
          Show what npm said
        </Button>
      )}
      {log !== undefined && <pre className="json">{log.join("\n")}</pre>}
    </li>
  );
}
