import type { ConnectionOverview, Provider } from "../../../api/connections";
import type { Tone } from "../../../components/state-badge";
import { kindOf } from "./kinds";

/** How a connection is, for people. */
export interface StateWords {
  tone: Tone;
  word: string;
  /** What is wrong, in the server's words. */
  problem?: string;
  /** What to do about it. */
  advice?: string;
}

/** Silence after which a connection that works counts as silent, ms. */
const SILENT = 15_000;

export function stateWords(overview: ConnectionOverview, now: number): StateWords {
  const { state, message, problem, lastError, statistics } = overview;
  switch (state) {
    case "disabled":
      return { tone: "plain", word: "Switched off" };
    case "refused":
      return {
        tone: "bad",
        word: "Needs correction",
        problem: plain(problem ?? message ?? "Its settings can't be used."),
        advice: "Edit it; the field that is wrong is marked.",
      };
    case "failing": {
      // While it waits for the next attempt it says so; what counts is why the last one failed.
      const isWaiting = message === undefined || message.startsWith("Reconnect");
      const words = (isWaiting ? lastError : message) ?? message ?? "It does not work.";
      return { tone: "bad", word: "Not working", problem: plain(words), advice: adviceFor(words) };
    }
    case "stopped":
      return { tone: "bad", word: "Stopped", problem: lastError ?? message ?? "It has ended.", advice: "Switch it off and on again." };
    case "starting":
      return { tone: "caution", word: "Connecting" };
    case "finished":
      return { tone: "plain", word: "Played to its end" };
    case "running":
      break;
  }
  const last = statistics.lastLine === undefined ? undefined : Date.parse(statistics.lastLine);
  const quiet = now - (last ?? Date.parse(overview.since));
  if (quiet > SILENT) {
    const waits = overview.input === "tcplistener" || overview.input === "tcpserver";
    return {
      tone: "caution",
      word: waits && statistics.peers === 0 ? "Nobody connected" : "Silent",
      advice: waits
        ? "Start sending from the app, to this computer's address and the port of this connection."
        : "It is connected, and nothing comes. Check that the device is on and set to send to this connection.",
    };
  }
  if (last === undefined) return { tone: "caution", word: "Waiting for data" };
  if (statistics.lines > 20 && statistics.badLines > statistics.lines / 2) {
    return {
      tone: "caution",
      word: "Unreadable",
      problem: "Most of what comes can't be read.",
      advice: "Look at the reasons below; a wrong speed (baud rate) or format of the device is the usual cause.",
    };
  }
  return { tone: "good", word: "Receiving" };
}

/** A sentence of the server as people read it: without numbers of errors, and without the advice, as there is a better one here. */
export function plain(words: string): string {
  const text = words
    .replace(/\s*\(os error \d+\)/g, "")
    .replace(/;\s*check .*$/s, "")
    .replace(/`(?:subO|o)ptions\.(\w+)`/g, "“$1”")
    .trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

/** What can be done about an error, by what it says. */
export function adviceFor(words: string): string {
  const says = (pattern: RegExp) => pattern.test(words);
  if (says(/refused/i)) return "The device is there, but nothing answers at this port. Check the port, and that its TCP server is on. It is tried again by itself.";
  if (says(/lookup|resolve|not known|no such host/i)) return "The name is not known on this network. Use the number of the device instead, such as 192.168.1.50.";
  if (says(/no route|unreachable|timed out|timeout|within/i))
    return "The device does not answer. Check that it is on, and that this computer is on the same network. It is tried again by itself.";
  if (says(/no data|silence|silent|nothing (came|was received)/i)) return "The device went silent. Check that it is on. It is tried again by itself.";
  if (says(/permission denied/i)) return "This server may not use the port. On Linux, its user has to be in the group dialout.";
  if (says(/no such (file|device)|not found/i)) return "Check the name, and that the device is plugged in. It is tried again by itself.";
  if (says(/in use|busy/i)) return "Another program or connection uses it. End that, or choose another port.";
  if (says(/closed|reset|ended|disconnected/i)) return "The other side ended the connection. Check that the device is on. It is tried again by itself.";
  if (says(/401|403|token|denied|unauthori[sz]ed/i)) return "That server does not let us in. Make a token there and enter it here.";
  if (says(/certificate|tls/i)) return "Its certificate is not trusted. Trust it under “More options”, if it is your own server.";
  return "Check that the device is on and that address and port are right. It is tried again by itself.";
}

/** What a connection is, in a line. */
export function describe(provider: Provider): string {
  const options = provider.options ?? {};
  const kind = kindOf(provider);
  const text = (key: string) => (options[key] === undefined || options[key] === "" ? undefined : String(options[key]));
  const at = (...parts: (string | undefined)[]) => parts.filter((part) => part !== undefined).join(" ");
  switch (kind.id) {
    case "serial":
      return `${text("device")?.replace(/^\/dev\/serial\/by-(id|path)\//, "") ?? "serial port"} at ${text("baudrate") ?? "4800"} baud`;
    case "tcp":
      return `TCP, ${at(text("host"), "port", text("port"))}`;
    case "udp":
      return `UDP, port ${text("port") ?? "?"}`;
    case "signalk":
      return options.useDiscovery === true ? "Signal K server, found by itself" : `Signal K server, ${at(text("host"), "port", text("port"))}`;
    case "gpsd":
      return `gpsd on ${text("hostname") ?? "this computer"}`;
    case "recording":
      return `Recording, ${text("filename") ?? "?"}`;
    case "listener":
      return `Apps that connect to port ${text("port") ?? "?"}`;
    case "clients":
      return "Clients of the NMEA 0183 output";
    default:
      return [provider.type, options.type].filter(Boolean).join(", ");
  }
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = "";
  for (const next of units) {
    if (value < 1_000) break;
    value /= 1_000;
    unit = next;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

export function formatCount(count: number): string {
  return count.toLocaleString("en-US").replaceAll(",", "\u202f");
}

/** Why lines were dropped, and what helps. By the kinds of `badLinesByKind`. */
export const badLineWords: Readonly<Record<string, { what: string; advice: string }>> = {
  checksum: {
    what: "The checksum is wrong",
    advice: "Some are normal on a noisy cable. Many: check wiring and ground, and that only one device talks on the wire.",
  },
  noChecksum: { what: "The checksum is missing", advice: "If the device never sends one, switch on “Add the checksum” under “More options”." },
  malformed: { what: "The fields of the sentence make no sense", advice: "Look at the lines below; the device may send an older or its own form." },
  notASentence: { what: "No NMEA 0183 sentence", advice: "The device sends something else too, or the speed (baud rate) is wrong." },
  notText: { what: "No text", advice: "Usually a wrong speed (baud rate), or a device that is set to a binary format." },
  tooLong: { what: "The line is too long", advice: "Check that the device sends the chosen format, and the speed (baud rate)." },
  tagBlock: { what: "The tag block before the sentence is wrong", advice: "Check the multiplexer's settings, or switch its tag blocks off." },
  ais: { what: "The AIS message can't be read", advice: "Some are normal with weak signals." },
  delta: { what: "No Signal K delta", advice: "Check that the other side sends Signal K, one delta a line." },
  logKind: { what: "A kind of data that is not played", advice: "Only NMEA 0183 and Signal K of a log are played." },
  name: { what: "A path or source has a name that can't be used", advice: "Look at the lines below." },
  value: { what: "A value that can't be used", advice: "Please report this with the line." },
};

/** What sentences are about, for those that are common. */
export const sentenceWords: Readonly<Record<string, string>> = {
  RMC: "position, speed, course, date",
  GGA: "position and quality of the fix",
  GLL: "position",
  GNS: "position",
  GSA: "satellites in use",
  GSV: "satellites in view",
  VTG: "course and speed",
  ZDA: "date and time",
  HDG: "heading, variation",
  HDM: "magnetic heading",
  HDT: "true heading",
  ROT: "rate of turn",
  DBT: "depth",
  DPT: "depth",
  MTW: "water temperature",
  MWV: "wind",
  MWD: "wind direction",
  VWR: "apparent wind",
  VHW: "speed through water",
  VLW: "log",
  VDM: "AIS, other vessels",
  VDO: "AIS, own ship",
  RSA: "rudder angle",
  RPM: "engine speed",
  XDR: "transducers",
  APB: "autopilot",
  RMB: "route",
  XTE: "cross-track error",
  BWC: "bearing to waypoint",
  MDA: "weather",
};
