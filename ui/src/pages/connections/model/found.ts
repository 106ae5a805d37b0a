import type { DiscoveredProvider, Provider, SerialPorts } from "../../../api/connections";

/** A serial port with a device. */
export interface FoundPort {
  /** The name to use: the one that stays. */
  path: string;
  /** The device, as far as it tells. */
  title: string;
  /** The connection that has it. */
  usedBy: string | undefined;
}

/** The serial ports, each device once, those with names that stay first. */
export function foundPorts(ports: SerialPorts, providers: readonly Provider[]): FoundPort[] {
  const usedBy = (path: string) => providers.find(({ enabled, options }) => enabled && options?.device === path)?.id;
  const named = [...ports.byOpenPlotter, ...ports.byId].map((path) => ({ path, title: titleOf(path), usedBy: usedBy(path) }));
  const others = ports.serialports.filter(({ serialNumber }) => {
    // The same device under its passing name.
    const serial = typeof serialNumber === "string" ? serialNumber : undefined;
    return serial === undefined || !ports.byId.some((path) => path.includes(serial));
  });
  return [
    ...named,
    ...others.map(({ path, manufacturer }) => ({
      path,
      title: manufacturer === undefined ? "Serial port" : `Device by ${manufacturer}`,
      usedBy: usedBy(path),
    })),
  ];
}

/** Servers that were found and are not connected to yet. */
export function foundServers(event: unknown, providers: readonly Provider[]): DiscoveredProvider[] {
  if (!Array.isArray(event)) return [];
  return (event as DiscoveredProvider[]).filter(
    ({ options, wasDiscovered }) =>
      wasDiscovered === true &&
      !providers.some((known) => known.options?.host === options?.host && String(known.options?.port) === String(options?.port)),
  );
}

function titleOf(path: string): string {
  const name = path.split("/").at(-1) ?? path;
  if (name.startsWith("ttyOP_")) return `OpenPlotter: ${name.slice("ttyOP_".length)}`;
  return name.replace(/^usb-/, "").replace(/-if\d+(-port\d+)?$/, "").replaceAll("_", " ");
}
