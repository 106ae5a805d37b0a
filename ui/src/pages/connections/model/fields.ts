/** The fields of a connection's form: one option of the settings each (signalk-v1 §15). */

export type FieldType = "text" | "port" | "number" | "flag" | "choice" | "secret" | "device" | "groups" | "json" | "pem";

export interface Field {
  /** The option of the settings; `protocol` is the type of the connection, `secure` whether it is `wss`. */
  key: string;
  label: string;
  hint?: string;
  type: FieldType;
  /** Of a `choice`: what can be chosen. A value that is none of these is shown as it is. */
  choices?: readonly { value: string; label: string }[];
  /** What holds when nothing is set. */
  initial?: string | boolean;
  required?: boolean;
  /** Smallest and largest number. */
  range?: readonly [number, number];
  /** Only shown when another field has one of these values. */
  when?: { key: string; is: readonly (string | boolean)[] };
  placeholder?: string;
}

const NMEA = { key: "protocol", is: ["NMEA0183"] } as const;

export const host: Field = {
  key: "host",
  label: "Address of the device",
  hint: "A number such as 192.168.1.50, or a name. It is in the device's own app or web page.",
  type: "text",
  required: true,
  placeholder: "192.168.1.50",
};

export const port: Field = {
  key: "port",
  label: "Port",
  hint: "The device's app or manual tells it, often under “NMEA server”.",
  type: "port",
  required: true,
  placeholder: "10110",
};

export const protocol: Field = {
  key: "protocol",
  label: "What it sends",
  type: "choice",
  initial: "NMEA0183",
  choices: [
    { value: "NMEA0183", label: "NMEA 0183 sentences" },
    { value: "SignalK", label: "Signal K deltas, one a line" },
  ],
};

export const silence: Field = {
  key: "noDataReceivedTimeout",
  label: "Connect anew after silence of (s)",
  hint: "60 when empty; 0 never gives up.",
  type: "number",
  range: [0, 1_000_000],
  placeholder: "60",
};

export const device: Field = {
  key: "device",
  label: "Port of this computer",
  hint: "A name below /dev/serial/by-id stays the same when other devices are plugged in.",
  type: "device",
  required: true,
  placeholder: "/dev/ttyUSB0",
};

export const baudrate: Field = {
  key: "baudrate",
  label: "Speed (baud)",
  hint: "4800 for most instruments, 38400 for AIS, often 115200 for multiplexers with USB.",
  type: "choice",
  initial: "4800",
  choices: [4800, 9600, 19200, 38400, 57600, 115200, 230400].map((rate) => ({
    value: String(rate),
    label: rate === 4800 ? "4800 (NMEA 0183)" : rate === 38400 ? "38400 (AIS)" : String(rate),
  })),
};

export const subscription: Field = {
  key: "subscription",
  label: "What to subscribe to",
  hint: "A subscribe message, or a list of them; everything of its own ship when empty.",
  type: "json",
  placeholder: '{"context":"vessels.self","subscribe":[{"path":"navigation.*"}]}',
};

/** The certificate of an authority, as text. */
export const authority: Field = {
  key: "certificateAuthority",
  label: "Trust this authority only",
  hint: "Its certificate as text. A Windlass server has its own at /windlass/ca.pem; public authorities are trusted when empty.",
  type: "pem",
  placeholder: "-----BEGIN CERTIFICATE-----",
};

/** What is sent to the device. */
export const outgoing: Field = {
  key: "outEvent",
  label: "Send to this device",
  hint: "What came from the device itself is never sent back to it.",
  type: "choice",
  initial: "",
  choices: [
    { value: "", label: "Nothing" },
    { value: "nmea0183out", label: "What plugins make, such as autopilot sentences" },
    { value: "nmea0183", label: "What the other inputs receive" },
    { value: "nmea0183,nmea0183out", label: "Both" },
  ],
  when: NMEA,
};

/** How sentences are read: folded away. */
export const sentenceFields: readonly Field[] = [
  {
    key: "validateChecksum",
    label: "Refuse sentences with a wrong checksum",
    type: "flag",
    initial: true,
    when: NMEA,
  },
  { key: "appendChecksum", label: "Add the checksum where a device leaves it out", type: "flag", initial: false, when: NMEA },
  { key: "removeNulls", label: "Drop zero bytes that a device sends between lines", type: "flag", initial: false },
  {
    key: "ignoredSentences",
    label: "Sentences to ignore",
    hint: "Ids with commas between them.",
    type: "text",
    placeholder: "GSV, ZDA",
    when: NMEA,
  },
  {
    key: "talkerGroups",
    label: "Talkers that are one source",
    hint: "A group a line: its name, a colon, its talkers.",
    type: "groups",
    placeholder: "gnss: GP, GL, GN",
    when: NMEA,
  },
  {
    key: "suppress0183event",
    label: "Keep its sentences from the NMEA 0183 output and other devices",
    type: "flag",
    initial: false,
    when: NMEA,
  },
  {
    key: "sentenceEvent",
    label: "Its sentences are this event, too",
    hint: "A name that another connection can be sent, so that only some devices get them.",
    type: "text",
    when: NMEA,
  },
  {
    key: "overrideTimestamp",
    label: "Use this computer's time instead of the device's",
    type: "flag",
    initial: false,
  },
  {
    key: "useCanName",
    label: "Name NMEA 2000 sources by their CAN names",
    type: "flag",
    initial: false,
    when: { key: "protocol", is: ["SignalK"] },
  },
];
