import type { ConnectionOverview } from "../../../api/connections";
import { fetchOutputs, type OutputStatistics } from "../../../api/server";
import { LoadState } from "../../../components/load-state";
import { StateBadge } from "../../../components/state-badge";
import { useLive, useStore } from "../../../state/hooks";
import { useLoad } from "../../../state/use-load";
import { detailsRoute } from "../model/routes";
import { formatBytes, formatCount } from "../model/words";

/** What is sent out, to whom, and what of it was lost. */
export function Outputs({ overviews }: { overviews: readonly ConnectionOverview[] }) {
  const outputs = useLoad(fetchOutputs, "", 5_000);
  const writing = overviews.filter(({ statistics }) => statistics.linesOut > 0 || statistics.lostOut > 0);
  return (
    <section aria-labelledby="outputs-title">
      <h3 id="outputs-title" className="section-title">
        Outputs
      </h3>
      <LoadState of={outputs} what="Outputs">
        {({ nmeaTcp, signalkTcp }) => (
          <ul className="output-list" aria-label="Outputs">
            <OutputCard
              id="nmea-tcp"
              title="NMEA 0183 over TCP"
              text="For chart plotters and apps on board, such as OpenCPN: all received sentences, and those of plugins."
              output={nmeaTcp}
            />
            <OutputCard
              id="tcp"
              title="Signal K over TCP"
              text="For programs that read deltas, one a line."
              output={signalkTcp}
            />
            {writing.map(({ id, statistics }) => (
              <li key={id} className="page-card" data-testid={`output-${id}`}>
                <a href={`#${detailsRoute(id)}`} className="connection-link">
                  {id}
                </a>
                <p className="muted">Sentences that are sent to this device.</p>
                <Facts
                  facts={[
                    ["Sent", `${formatCount(statistics.linesOut)} lines, ${formatBytes(statistics.bytesOut)}`],
                    ["Lost", formatCount(statistics.lostOut)],
                  ]}
                />
                {statistics.lostOut > 0 && <p className="muted">Lines get lost when the device takes them too slowly: send it less, or raise its speed.</p>}
              </li>
            ))}
          </ul>
        )}
      </LoadState>
      <p className="muted outputs-hint">
        To send sentences to a device, edit its connection: “Send to this device” under “More options”.
      </p>
    </section>
  );
}

function OutputCard({ id, title, text, output }: { id: string; title: string; text: string; output: OutputStatistics | undefined }) {
  const status = useStore(useLive().providers).find((one) => one.id === id);
  const port = output?.localAddress?.split(":").at(-1);
  const isLocal = output?.localAddress?.startsWith("127.") === true;
  return (
    <li className="page-card" data-testid={`output-${id}`}>
      <div className="output-head">
        <strong>{title}</strong>
        {port !== undefined ? (
          <StateBadge tone="good">Port {port}</StateBadge>
        ) : status?.isError === true ? (
          <StateBadge tone="bad">Not working</StateBadge>
        ) : (
          <StateBadge tone="plain">Off</StateBadge>
        )}
      </div>
      {port === undefined && status?.isError === true ? <p className="bad">{status.message}</p> : <p className="muted">{text}</p>}
      {port !== undefined && output !== undefined && (
        <>
          <p className="muted">
            {isLocal ? `Only programs on this computer can connect, to port ${port}.` : `In the app: TCP, ${window.location.hostname}, port ${port}.`}
          </p>
          <Facts
            facts={[
              ["Clients now", formatCount(output.clients)],
              ["Lines sent", formatCount(output.sent)],
              ["Lines lost", formatCount(output.dropped)],
              ...(output.received > 0 ? ([["Lines received", formatCount(output.received)]] as const) : []),
              ...(output.refused > 0 ? ([["Clients refused", formatCount(output.refused)]] as const) : []),
            ]}
          />
          {output.dropped > 0 && <p className="muted">A client reads too slowly. Look at its WiFi reception, or close it where it is not needed.</p>}
        </>
      )}
      {port === undefined && status?.isError !== true && <p className="muted">Switch it on under Server, Settings.</p>}
    </li>
  );
}

/** Figures with their names. */
export function Facts({ facts }: { facts: readonly (readonly [string, string])[] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="number" data-fact={name}>
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}
