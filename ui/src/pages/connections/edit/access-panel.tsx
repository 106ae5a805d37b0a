import { Button, Group, Loader } from "@mantine/core";
import { IconKey, IconKeyOff } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { messageOf } from "../../../api/http";
import { checkAccessRequest, requestAccess } from "../../../api/remote";
import { StateBadge } from "../../../components/state-badge";
import { decisionOf, FORGET_TOKEN, newClientId, whereabouts, type Decision } from "../model/access";
import type { ConnectionForm } from "../model/form";

/** How often it is asked whether somebody has decided, ms. */
const PERIOD = 2_000;

export interface AccessPanelProps {
  form: ConnectionForm;
  /** A token came, or the saved one is to go. */
  onValue: (key: string, value: string | boolean) => void;
}

/** Asks another server to let this one in, and waits until somebody decides there. */
export function AccessPanel({ form, onValue }: AccessPanelProps) {
  const [decision, setDecision] = useState<Decision | { is: "asking" }>();
  const attempt = useRef(0);
  useEffect(
    () => () => {
      attempt.current += 1;
    },
    [],
  );
  const at = whereabouts(form);
  const hasSaved = form.saved?.secrets?.includes("token") === true;
  const forgets = form.values[FORGET_TOKEN] === true;
  /** What was asked for and is not decided: it is gone on with, not asked for a second time. */
  const asked = useRef<string>(undefined);
  const ask = async () => {
    if (at === undefined) return;
    attempt.current += 1;
    const mine = attempt.current;
    const isMine = () => mine === attempt.current;
    const look = async (requestId: string) => {
      try {
        return decisionOf(await checkAccessRequest(at, requestId));
      } catch (error) {
        return { is: "failed", words: messageOf(error), mayHelp: true } as const;
      }
    };
    setDecision({ is: "asking" });
    try {
      let next: Decision | undefined = asked.current === undefined ? undefined : await look(asked.current);
      if (next === undefined || (next.is === "failed" && !next.mayHelp)) {
        asked.current = undefined;
        next = decisionOf(await requestAccess(at, newClientId(), `Windlass: ${form.id.trim() || "a Signal K server"}`));
        if (next.is === "waiting") asked.current = next.requestId;
      }
      // A gap in the network does not end the waiting: somebody may decide meanwhile.
      while (isMine() && asked.current !== undefined && (next.is === "waiting" || (next.is === "failed" && next.mayHelp))) {
        setDecision(next.is === "waiting" ? next : { is: "waiting", requestId: asked.current, trouble: next.words });
        await new Promise((resolve) => setTimeout(resolve, PERIOD));
        if (isMine()) next = await look(asked.current);
      }
      if (!isMine()) return;
      asked.current = undefined;
      setDecision(next);
      if (next.is === "allowed") onValue("token", next.token);
    } catch (error) {
      if (isMine()) setDecision({ is: "failed", words: messageOf(error), mayHelp: true });
    }
  };
  const stop = () => {
    attempt.current += 1;
    setDecision(undefined);
  };
  const isBusy = decision?.is === "asking" || decision?.is === "waiting";
  return (
    <section className="page-card" aria-labelledby="access-title" data-testid="access" data-state={decision?.is ?? "none"}>
      <Group justify="space-between" gap="sm">
        <h3 id="access-title">Access to that server</h3>
        <Group gap="xs">
          {hasSaved && (
            <Button
              type="button"
              variant="default"
              leftSection={<IconKeyOff size={18} aria-hidden="true" />}
              aria-pressed={forgets}
              onClick={() => onValue(FORGET_TOKEN, !forgets)}
              data-testid="forget-token"
            >
              {forgets ? "Keep the saved token" : "Forget the saved token"}
            </Button>
          )}
          {isBusy ? (
            <Button type="button" variant="default" onClick={stop} data-testid="stop-asking">
              Stop waiting
            </Button>
          ) : (
            <Button
              type="button"
              variant="light"
              leftSection={<IconKey size={18} aria-hidden="true" />}
              disabled={at === undefined}
              onClick={() => void ask()}
              data-testid="ask-access"
            >
              Ask for access
            </Button>
          )}
        </Group>
      </Group>
      <div aria-live="polite">
        {forgets && <p className="muted">The saved token goes when you save. The request there stays valid until it is removed on that server.</p>}
        <Told decision={decision} isKnown={at !== undefined} />
      </div>
    </section>
  );
}

function Told({ decision, isKnown }: { decision: Decision | { is: "asking" } | undefined; isKnown: boolean }) {
  switch (decision?.is) {
    case "asking":
    case "waiting":
      return (
        <Group gap="sm" mt="xs">
          <Loader size="sm" />
          <span>{decision.is === "asking" ? "Asking" : "Now approve the request on that server, under Security"}</span>
          {decision.is === "waiting" && decision.trouble !== undefined && <span className="muted">Trying on: {decision.trouble}.</span>}
        </Group>
      );
    case "allowed":
      return (
        <Group gap="sm" mt="xs">
          <StateBadge tone="good">Approved</StateBadge>
          <span>The token is filled in: save the connection to keep it.</span>
        </Group>
      );
    case "denied":
      return (
        <Group gap="sm" mt="xs">
          <StateBadge tone="bad">Denied</StateBadge>
          <span>Somebody there said no. Ask them, then try again.</span>
        </Group>
      );
    case "failed":
      return <p className="bad">Access could not be asked for: {decision.words}.</p>;
    case undefined:
      return (
        <p className="muted">
          {isKnown
            ? "Needed only where that server asks for a login. Somebody approves the request there, and the token comes by itself."
            : "Enter address and port first; a server that is found by itself is given no token."}
        </p>
      );
  }
}
