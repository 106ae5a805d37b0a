import { Button, Group, Select } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { decideAccessRequest, fetchAccessRequests, type AccessRequest, type Expiration, type Level } from "../../api/security";
import { clockTime } from "../../components/clock-time";
import { act } from "../../components/notify";
import { ErrorState } from "../../components/load-state";
import { useServerEvent } from "../../state/hooks";
import { useLoad } from "../../state/use-load";
import { expirationChoices, levelChoices, levelText } from "./levels";

/** Shown at a time; the server keeps a hundred. */
const MAX_SHOWN = 20;

/** Devices and people who wait at the door. Nothing is shown while there are none. */
export function AccessRequests() {
  // The event says that the list is another one; who is no admin does not get it.
  const told = useServerEvent("ACCESS_REQUEST");
  const requests = useLoad(fetchAccessRequests, JSON.stringify(told) ?? "");
  const list = requests.data ?? [];
  if (requests.error !== undefined && requests.data === undefined) return <ErrorState error={requests.error} retry={() => void requests.reload()} />;
  if (list.length === 0) return null;
  return (
    <section aria-labelledby="requests-title" data-testid="access-requests">
      <h3 id="requests-title">{list.length === 1 ? "Somebody asks for access" : `${list.length} ask for access`}</h3>
      <div className="request-list">
        {list.slice(0, MAX_SHOWN).map((request) => (
          <Request key={request.requestId} request={request} decided={requests.reload} />
        ))}
      </div>
      {list.length > MAX_SHOWN && <p className="muted">Decide about these, and {list.length - MAX_SHOWN} more appear.</p>}
    </section>
  );
}

function Request({ request, decided }: { request: AccessRequest; decided: () => Promise<void> }) {
  const { requestId, accessIdentifier, accessDescription, ip, date } = request;
  const asked = request.requestedPermissions === true ? request.permissions : undefined;
  const [level, setLevel] = useState<Level>(asked ?? "readonly");
  const [expiration, setExpiration] = useState<Expiration>("1y");
  const [busy, setBusy] = useState(false);
  const decide = async (decision: "approved" | "denied") => {
    setBusy(true);
    const done = decision === "approved" ? `${accessIdentifier}: ${levelText(level).toLowerCase()}` : `${accessIdentifier} was turned away`;
    await act(() => decideAccessRequest(requestId, decision, { permissions: level, expiration }), done, "That could not be decided");
    await decided();
    setBusy(false);
  };
  const when = date === undefined ? undefined : new Date(date);
  const from = [
    ip === undefined ? undefined : `from ${ip}`,
    when === undefined || Number.isNaN(when.getTime()) ? undefined : `at ${clockTime(when.getTime())}`,
  ];
  return (
    <div className="page-card" data-testid={`request-${accessIdentifier}`}>
      <p>
        <strong>{accessDescription === "" ? accessIdentifier : accessDescription}</strong>{" "}
        <span className="muted">
          {accessIdentifier} {from.filter((part) => part !== undefined).join(" ")}
        </span>
      </p>
      <p className="muted">Approve only what you have just set up yourself.</p>
      <Group gap="sm" align="flex-end" mt="xs">
        {asked === undefined ? (
          <Select
            label="Rights"
            data={levelChoices}
            value={level}
            onChange={(next) => next !== null && setLevel(next as Level)}
            w={210}
            data-testid="request-level"
          />
        ) : (
          <p className="asked-level">It asks for: {levelText(asked).toLowerCase()}</p>
        )}
        <Select
          label="Valid"
          data={expirationChoices}
          value={expiration}
          onChange={(next) => next !== null && setExpiration(next as Expiration)}
          w={150}
          data-testid="request-expiration"
        />
        <Button leftSection={<IconCheck size={18} />} loading={busy} onClick={() => void decide("approved")} data-testid="approve">
          Approve
        </Button>
        <Button variant="default" leftSection={<IconX size={18} />} disabled={busy} onClick={() => void decide("denied")} data-testid="deny">
          Deny
        </Button>
      </Group>
    </div>
  );
}
