import type { FormValues } from "./form";
import type { KindId } from "./kinds";

/** A gateway that many boats have: what is usual for it. Only what its maker ships is filled in; the rest is asked for. */
export interface Preset {
  id: string;
  title: string;
  kind: KindId;
  values: FormValues;
  /** What to look for, and where. */
  advice: string;
}

export const presets: readonly Preset[] = [
  {
    id: "generic",
    title: "Another gateway",
    kind: "tcp",
    values: {},
    advice: "Look in the gateway's app or web page for “TCP server” and “NMEA 0183”, and copy its address and port.",
  },
  {
    id: "yacht-devices",
    title: "Yacht Devices",
    kind: "tcp",
    values: { port: "1456" },
    advice: "Its first server speaks NMEA 0183 on TCP port 1456 as shipped; on the gateway's web page, choose “NMEA 0183”, not “RAW”.",
  },
  {
    id: "digital-yacht",
    title: "Digital Yacht",
    kind: "tcp",
    values: { port: "2000" },
    advice: "Port 2000 as shipped, over TCP and UDP. On its own WiFi its address is 192.168.1.1 unless it was changed.",
  },
  {
    id: "shipmodul",
    title: "ShipModul MiniPlex",
    kind: "tcp",
    values: { port: "10110" },
    advice: "Port 10110 as shipped. MPX-Config shows the address, and whether TCP or UDP is chosen.",
  },
  {
    id: "actisense",
    title: "Actisense W2K",
    kind: "tcp",
    values: {},
    advice: "On its web page, set one data server to NMEA 0183 over TCP, and copy the port from there. Actisense's own formats are not read.",
  },
  {
    id: "vesper",
    title: "Vesper",
    kind: "tcp",
    values: { port: "39150" },
    advice: "TCP port 39150. The address is in the WiFi settings of the device or its app.",
  },
  {
    id: "em-trak",
    title: "em-trak",
    kind: "tcp",
    values: {},
    advice: "Its WiFi settings in proAIS or the em-trak app have the address, the port, and whether it is TCP or UDP.",
  },
];

export function presetById(id: string | undefined): Preset | undefined {
  return presets.find((preset) => preset.id === id);
}

/** A name that no other connection has. */
export function freeName(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name;
  for (let number = 2; ; number += 1) {
    const next = `${name} ${number}`;
    if (!taken.includes(next)) return next;
  }
}
