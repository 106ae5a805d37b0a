import { Stack } from "@mantine/core";
import { fetchActors, fetchPerformance, fetchProcess, type ProcessReport } from "../../../api/server";
import { clockTime } from "../../../components/clock-time";
import { LoadState } from "../../../components/load-state";
import { StateBadge } from "../../../components/state-badge";
import { formatDuration } from "../../../signalk/age";
import { useLive, useStore } from "../../../state/hooks";
import { useLoad } from "../../../state/use-load";
import { charts } from "./charts";
import { TimeChart } from "./time-chart";
import { bytes, verdicts, type Verdict } from "./verdicts";

/** ms; the server takes a sample as often. */
const INTERVAL = 5_000;

/** How the server has been doing for a quarter of an hour, and what to do about what is wrong. */
export default function PerformancePanel() {
  const history = useLoad(fetchPerformance, "", INTERVAL);
  const process = useLoad(fetchProcess, "", INTERVAL);
  const actors = useLoad(fetchActors, "", INTERVAL);
  return (
    <LoadState of={history} what="Loading the figures">
      {({ samples }) => (
        <Stack gap="md" data-testid="performance">
          <Health found={verdicts(samples, process.data, actors.data)} />
          <LoadState of={process}>{(report) => <Figures report={report} />}</LoadState>
          <div className="chart-grid">
            {charts.map((info) => (
              <TimeChart key={info.key} info={info} samples={samples} />
            ))}
          </div>
          {samples.length < 2 && <p className="muted">The server has just started: the lines begin within ten seconds.</p>}
        </Stack>
      )}
    </LoadState>
  );
}

function Health({ found }: { found: readonly Verdict[] }) {
  return (
    <section className="page-card" aria-labelledby="health-title" data-testid="health" data-state={found[0]?.tone ?? "good"}>
      <h3 id="health-title" className="visually-hidden">
        Health
      </h3>
      {found.length === 0 ? (
        <p className="health-good">
          <StateBadge tone="good">All is well</StateBadge> Nothing is lost, nothing is held up, and there is room left.
        </p>
      ) : (
        <ul className="verdicts">
          {found.map(({ key, tone, title, advice, route }) => (
            <li key={key} data-testid={`verdict-${key}`}>
              <StateBadge tone={tone}>{tone === "caution" ? "Look at this" : "Trouble"}</StateBadge>
              <div>
                <strong>{title}.</strong> {advice} {route !== undefined && <a href={`#${route}`}>Go there</a>}
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Figures({ report }: { report: ProcessReport }) {
  const { statistics } = useStore(useLive().rates);
  const { written, totalMemoryBytes: total, availableMemoryBytes: free } = report;
  const figures: [label: string, value: string | undefined, note?: string | undefined][] = [
    ["Deltas a second", statistics?.deltaRate.toFixed(1)],
    ["Paths", statistics?.numberOfAvailablePaths?.toString()],
    ["Stream clients", statistics?.wsClients?.toString()],
    ["Memory of the server", report.residentBytes === undefined ? undefined : bytes(report.residentBytes)],
    ["Free on this computer", free === undefined ? undefined : bytes(free), total === undefined ? undefined : `of ${bytes(total)}`],
    ["Load", report.load?.[0].toFixed(2), report.cores === undefined ? undefined : `${report.cores} cores`],
    [
      "Written to disk today",
      written === undefined ? undefined : bytes(written.todayBytes),
      written === undefined ? undefined : `since ${clockTime(Date.parse(written.todaySince))}`,
    ],
    ["Threads", report.threads?.toString()],
    ["Open files", report.openFiles?.toString(), report.maxOpenFiles === undefined ? undefined : `of ${report.maxOpenFiles}`],
    ["Running for", formatDuration(report.uptime), `version ${report.version}`],
  ];
  return (
    <dl className="figures" data-testid="figures">
      {figures.map(([label, value, note]) => (
        <div key={label}>
          <dt className="muted">{label}</dt>
          <dd className="number figure-value">{value ?? "—"}</dd>
          {note !== undefined && <dd className="muted">{note}</dd>}
        </div>
      ))}
    </dl>
  );
}
