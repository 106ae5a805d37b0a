import type { Provider } from "../../../api/connections";
import {
  authority,
  baudrate,
  device,
  host,
  outgoing,
  port,
  protocol,
  sentenceFields,
  silence,
  subscription,
  type Field,
} from "./fields";

/** What a person has: each kind is a form of its own. */
export type KindId = "serial" | "tcp" | "udp" | "signalk" | "gpsd" | "recording" | "listener" | "clients" | "other";

export interface Kind {
  id: KindId;
  /** In the words of whoever has it. */
  title: string;
  text: string;
  /** A short name for the list. */
  short: string;
  /** A name for the connection to begin with. */
  name: string;
  fields: readonly Field[];
  /** Folded away. */
  advanced: readonly Field[];
  /** How long it is listened, s. */
  trial: number;
}

const KINDS: readonly Kind[] = [
  {
    id: "serial",
    title: "A device on USB or a serial port",
    text: "GPS, AIS, instruments or a multiplexer, connected by cable to this computer.",
    short: "Serial port",
    name: "Serial",
    fields: [device, baudrate],
    advanced: [protocol, outgoing, ...sentenceFields],
    trial: 6,
  },
  {
    id: "tcp",
    title: "A gateway on WiFi or Ethernet (TCP)",
    text: "A box on the boat's network that this server connects to. The usual way; choose it when in doubt.",
    short: "TCP",
    name: "Gateway",
    fields: [host, port],
    advanced: [protocol, outgoing, silence, ...sentenceFields],
    trial: 6,
  },
  {
    id: "udp",
    title: "A gateway that broadcasts (UDP)",
    text: "The box sends to everybody on the network; only the port has to be known.",
    short: "UDP",
    name: "Gateway",
    fields: [{ ...port, label: "Port that it sends to", placeholder: "2000" }],
    advanced: [
      protocol,
      outgoing,
      {
        key: "host",
        label: "Address that is sent to",
        hint: "Everybody on the network when empty.",
        type: "text",
        placeholder: "255.255.255.255",
      },
      {
        key: "bindAddress",
        label: "Listen on this address of this computer only",
        hint: "All networks when empty.",
        type: "text",
        placeholder: "0.0.0.0",
      },
      ...sentenceFields,
    ],
    trial: 8,
  },
  {
    id: "signalk",
    title: "Another Signal K server",
    text: "Its data are taken over live. Servers on this network are found by themselves.",
    short: "Signal K server",
    name: "Signal K",
    fields: [
      { key: "useDiscovery", label: "Find it on the network by itself", type: "flag", initial: false },
      { ...host, label: "Address of the server", hint: "", when: { key: "useDiscovery", is: [false] } },
      { ...port, hint: "3000, or 3443 with encryption, unless it was changed.", placeholder: "3000", when: { key: "useDiscovery", is: [false] } },
      { key: "secure", label: "Encrypted (TLS)", type: "flag", initial: false },
      {
        key: "selfHandling",
        label: "The ship of the other server is",
        type: "choice",
        initial: "noSelf",
        choices: [
          { value: "noSelf", label: "another vessel" },
          { value: "useRemoteSelf", label: "this ship: use its data as ours" },
          { value: "manualSelf", label: "this ship is another one there" },
        ],
      },
      {
        key: "remoteSelf",
        label: "Which vessel there is this ship",
        hint: "Its id, such as urn:mrn:imo:mmsi:230099999.",
        type: "text",
        required: true,
        when: { key: "selfHandling", is: ["manualSelf"] },
      },
      {
        key: "token",
        label: "Access token",
        hint: "Only where that server asks for a login: ask for one below. What is saved is never shown; leave it empty to keep it.",
        type: "secret",
      },
    ],
    advanced: [
      { ...authority, when: { key: "secure", is: [true] } },
      {
        key: "selfsignedcert",
        label: "Trust whatever certificate it has",
        type: "flag",
        initial: false,
        when: { key: "secure", is: [true] },
      },
      subscription,
      silence,
      ...sentenceFields.filter(({ when }) => when?.key !== "protocol" || when.is.includes("SignalK")),
    ],
    trial: 6,
  },
  {
    id: "gpsd",
    title: "gpsd",
    text: "The GPS service of Linux, on this computer or another one.",
    short: "gpsd",
    name: "gpsd",
    fields: [
      {
        key: "hostname",
        label: "Computer that gpsd runs on",
        hint: "This one when empty.",
        type: "text",
        placeholder: "localhost",
      },
      { ...port, required: false, hint: "2947 when empty.", placeholder: "2947" },
    ],
    advanced: [silence, ...sentenceFields.filter(({ key }) => key !== "useCanName")],
    trial: 6,
  },
  {
    id: "listener",
    title: "A phone, tablet or app that sends to us",
    text: "The app connects to this server by TCP and sends NMEA 0183, as phone GPS apps and some trackers do.",
    short: "Apps that connect",
    name: "Phone",
    fields: [
      {
        ...port,
        label: "Port that this server listens on",
        hint: "Enter the same in the app, with the address of this computer.",
        placeholder: "10111",
        initial: "10111",
      },
      {
        key: "host",
        label: "Who may connect",
        hint: "There is no password: whoever reaches the port can send data.",
        type: "choice",
        initial: "127.0.0.1",
        choices: [
          { value: "127.0.0.1", label: "Programs on this computer" },
          { value: "0.0.0.0", label: "Everybody on the boat's network" },
        ],
      },
    ],
    advanced: [
      { key: "maxPeers", label: "Most connections at a time", type: "number", range: [1, 1000], placeholder: "32" },
      { ...silence, label: "Disconnect after silence of (s)", hint: "Never when empty.", placeholder: "" },
      outgoing,
      ...sentenceFields.filter(({ key }) => key !== "useCanName"),
    ],
    trial: 15,
  },
  {
    id: "recording",
    title: "A recording",
    text: "A log of NMEA 0183 or Signal K on this computer, played with its own timing.",
    short: "Recording",
    name: "Recording",
    fields: [
      {
        key: "filename",
        label: "File on this computer",
        hint: "From the configuration folder when it does not begin with a slash.",
        type: "text",
        required: true,
        placeholder: "/home/pi/logs/sail.log",
      },
      {
        key: "dataType",
        label: "What is in it",
        type: "choice",
        initial: "NMEA0183",
        choices: [
          { value: "NMEA0183", label: "NMEA 0183 sentences" },
          { value: "SignalK", label: "Signal K deltas" },
          { value: "Multiplexed", label: "A log of this server, with times" },
        ],
      },
      {
        key: "speed",
        label: "Times as fast as recorded",
        hint: "0 plays as fast as possible.",
        type: "number",
        range: [0, 100_000],
        placeholder: "1",
      },
      { key: "loop", label: "Start over at the end", type: "flag", initial: true },
    ],
    advanced: [
      { key: "linesPerSecond", label: "Lines a second where the file has no times", type: "number", range: [0.01, 1e6], placeholder: "10" },
      { key: "throttleRate", label: "Bytes a second instead of the recorded timing", type: "number", range: [1, 1e9] },
      ...sentenceFields.map(({ when: _, ...field }) => field),
    ],
    trial: 4,
  },
  {
    id: "clients",
    title: "Apps that listen to our NMEA 0183 output",
    text: "What clients of the NMEA 0183 output (usually port 10110) send back is taken as input, such as routes of a chart plotter.",
    short: "Clients of the output",
    name: "Output clients",
    fields: [],
    advanced: sentenceFields.filter(({ key }) => key !== "useCanName"),
    trial: 5,
  },
  {
    id: "other",
    title: "Something else",
    text: "The options as they are in the settings file, for kinds that have no form.",
    short: "Other",
    name: "Input",
    fields: [],
    advanced: [],
    trial: 5,
  },
];

/** What is offered to whoever adds a connection, in the order of how often it is wanted. */
export const offeredKinds: readonly Kind[] = KINDS.filter(({ id }) => id !== "other");

export function kindById(id: string): Kind | undefined {
  return KINDS.find((kind) => kind.id === id);
}

/** The kind of a connection that is there. */
export function kindOf({ type, options }: Pick<Provider, "type" | "options">): Kind {
  const id = formOf(type, options?.type);
  const kind = kindById(id);
  if (kind === undefined) throw new Error(`no form ${id}`);
  return kind;
}

function formOf(type: string | undefined, input: string | undefined): KindId {
  if (type === "FileStream") return "recording";
  if (type === "NMEA0183" || type === "SignalK") {
    if (input === "tcp" || input === "udp" || input === "serial") return input;
    if (type === "SignalK") return input === "ws" || input === "wss" ? "signalk" : "other";
    if (input === "gpsd") return "gpsd";
    if (input === "tcplistener") return "listener";
    if (input === "tcpserver") return "clients";
  }
  return "other";
}

/** Fields that count with these values. */
export function shownFields(fields: readonly Field[], values: Readonly<Record<string, string | boolean>>): Field[] {
  return fields.filter(({ when }) => {
    if (when === undefined) return true;
    // A form without a choice of protocol is about sentences.
    const value = values[when.key] ?? (when.key === "protocol" ? "NMEA0183" : "");
    return when.is.includes(value);
  });
}
