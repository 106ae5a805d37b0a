import { Switch } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { messageOf } from "../../../api/http";
import { putValue } from "../../../api/values";
import { useCanWrite, useIsLive } from "../../../state/hooks";
import { Face } from "./face";
import { isOn, settingFor } from "./switch-values";
import "./switch.css";
import type { WidgetProps } from "./types";
import { useWidgetValue } from "./use-widget-value";

/** How long the value may take to follow, ms. */
const PATIENCE = 8_000;

/** Switches by PUT, and shows as switched only what the value says. */
export default function SwitchWidget({ settings }: WidgetProps) {
  const value = useWidgetValue(settings);
  const mayWrite = useCanWrite();
  const isLive = useIsLive();
  const [wanted, setWanted] = useState<boolean>();
  const [problem, setProblem] = useState<string>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const on = isOn(value.value);
  useEffect(() => {
    if (wanted === undefined || on !== wanted) return;
    clearTimeout(timer.current);
    setWanted(undefined);
  }, [on, wanted]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const request = async (next: boolean) => {
    setProblem(undefined);
    setWanted(next);
    clearTimeout(timer.current);
    try {
      await putValue(value.path, settingFor(next, value.value), settings.source);
      timer.current = setTimeout(() => {
        setWanted(undefined);
        setProblem("It was accepted, but the value has not changed. Look at the device itself.");
      }, PATIENCE);
    } catch (error) {
      setWanted(undefined);
      setProblem(messageOf(error));
    }
  };
  const isPending = wanted !== undefined && wanted !== on;
  const state = isPending ? "PENDING" : on === undefined ? "unknown" : on ? "on" : "off";
  return (
    <Face title={value.title} view={value}>
      <div className="switch-widget" data-state={state} data-testid="switch-state">
        <Switch
          size="xl"
          checked={wanted ?? on ?? false}
          disabled={!mayWrite || !isLive || isPending}
          onChange={(event) => void request(event.currentTarget.checked)}
          aria-label={`${value.title}: ${state}`}
          data-testid="switch"
        />
        <p className="switch-state">{state}</p>
        {problem !== undefined && (
          <p className="bad" role="alert" data-testid="switch-problem">
            {problem}
          </p>
        )}
        {!mayWrite && <p className="muted">Sign in as somebody who may change values.</p>}
      </div>
    </Face>
  );
}
