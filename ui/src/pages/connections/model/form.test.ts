import { describe, expect, it } from "vitest";
import type { Provider } from "../../../api/connections";
import { formOf, newForm, problemFromServer, problemsOf, providerOf } from "./form";
import { kindById, offeredKinds, shownFields } from "./kinds";

const kind = (id: string) => {
  const found = kindById(id);
  if (found === undefined) throw new Error(id);
  return found;
};

const examples: Provider[] = [
  { id: "tcp", enabled: true, type: "NMEA0183", logging: true, options: { type: "tcp", host: "boat", port: "10110", outEvent: ["nmea0183", "nmea0183out"] } },
  { id: "udp", enabled: false, type: "SignalK", logging: false, options: { type: "udp", port: 8375, bindAddress: "127.0.0.1" } },
  { id: "serial", enabled: true, type: "NMEA0183", logging: false, options: { type: "serial", device: "/dev/ttyUSB0", baudrate: 38400, toStdout: "x" } },
  { id: "sk", enabled: true, type: "SignalK", logging: false, options: { type: "wss", host: "h", port: 3443, selfHandling: "manualSelf", remoteSelf: "urn:x", subscription: '{"subscribe":[]}', selfsignedcert: true } },
  { id: "gpsd", enabled: true, type: "NMEA0183", logging: false, options: { type: "gpsd", hostname: "pi" } },
  { id: "file", enabled: true, type: "FileStream", logging: false, options: { filename: "a.log", dataType: "Multiplexed", speed: 2, loop: false } },
  { id: "phone", enabled: true, type: "NMEA0183", logging: false, options: { type: "tcplistener", host: "0.0.0.0", port: 2011, talkerGroups: { gnss: ["GP", "GL"] } } },
  { id: "out", enabled: true, type: "NMEA0183", logging: false, options: { type: "tcpserver" } },
  { id: "n2k", enabled: true, type: "NMEA2000", logging: false, options: { type: "ngt-1", device: "/dev/x", deep: { a: [1] } } },
];

describe("forms", () => {
  it("take the certificate of an authority with its lines", () => {
    const form = newForm(kind("signalk"), "other", { host: "boat", port: "3443", secure: true });
    const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    for (const [text, words] of [
      ["boat's authority", "begins with"],
      ["-----BEGIN CERTIFICATE-----\nMIIB", "ends with"],
      [`${pem}-----BEGIN PRIVATE KEY-----\nMIIB`, "private key"],
    ] as const) {
      form.values.certificateAuthority = text;
      expect(problemsOf(form, []).certificateAuthority, text).toContain(words);
    }
    form.values.certificateAuthority = pem;
    expect(problemsOf(form, [])).toEqual({});
    const provider = providerOf(form);
    expect(provider.options?.certificateAuthority).toBe(pem.trim());
    expect(formOf(provider).values.certificateAuthority).toBe(pem.trim());
    expect(shownFields(kind("signalk").advanced, { ...form.values, secure: false }).map(({ key }) => key)).not.toContain("certificateAuthority");
  });

  it("give back what they were made of", () => {
    for (const provider of examples) {
      const withUnknown = { ...provider, options: { ...provider.options, theirs: { a: 1 }, empty: null } };
      expect(providerOf(formOf(withUnknown)), provider.id).toEqual(withUnknown);
    }
  });

  it("are of the kind that the connection is", () => {
    expect(examples.map((provider) => formOf(provider).kind.id)).toEqual([
      "tcp", "udp", "serial", "signalk", "gpsd", "recording", "listener", "clients", "other",
    ]);
  });

  it("change what was changed and keep the rest", () => {
    const [tcp] = examples as [Provider];
    const form = formOf({ ...tcp, options: { ...tcp.options, theirs: 7, talkerGroups: { g: ["GP"] }, noDataReceivedTimeout: 5 } });
    form.id = " Bridge ";
    form.logging = false;
    Object.assign(form.values, { port: "2000", ignoredSentences: "GSV, ZDA", talkerGroups: "", noDataReceivedTimeout: "", validateChecksum: false });
    expect(providerOf(form)).toEqual({
      id: "Bridge",
      enabled: true,
      logging: false,
      type: "NMEA0183",
      options: {
        type: "tcp",
        host: "boat",
        port: 2000,
        outEvent: ["nmea0183", "nmea0183out"],
        theirs: 7,
        ignoredSentences: "GSV, ZDA",
        // What is emptied is sent: an absent option would stay.
        talkerGroups: {},
        noDataReceivedTimeout: "",
        validateChecksum: false,
      },
    });
  });

  it("make new connections with no more than what is needed", () => {
    const made = (id: string, values: Record<string, string | boolean>) => {
      const form = newForm(kind(id), "new", {});
      Object.assign(form.values, values);
      return providerOf(form);
    };
    expect(made("tcp", { host: "1.2.3.4", port: "1456" })).toEqual({
      id: "new", enabled: true, logging: false, type: "NMEA0183", options: { type: "tcp", host: "1.2.3.4", port: 1456 },
    });
    expect(made("signalk", { host: "h", port: "3443", secure: true }).options).toEqual({ type: "wss", host: "h", port: 3443, selfHandling: "noSelf" });
    expect(made("serial", { device: "/dev/x", baudrate: "38400" }).options).toEqual({ type: "serial", device: "/dev/x", baudrate: 38400 });
    expect(made("udp", { port: "2000", protocol: "SignalK" })).toMatchObject({ type: "SignalK", options: { type: "udp", port: 2000 } });
    expect(made("recording", { filename: "x" })).toMatchObject({ type: "FileStream", options: { filename: "x", dataType: "NMEA0183" } });
    expect(made("listener", {}).options).toEqual({ type: "tcplistener", port: 10111, host: "127.0.0.1" });
    expect(made("clients", {}).options).toEqual({ type: "tcpserver" });
  });

  it("change the protocol and the encryption", () => {
    const sk = formOf(examples[3] as Provider);
    sk.values.secure = false;
    expect(providerOf(sk).options?.type).toBe("ws");
    const udp = formOf(examples[1] as Provider);
    udp.values.protocol = "NMEA0183";
    expect(providerOf(udp)).toMatchObject({ type: "NMEA0183", options: { type: "udp", port: 8375 } });
  });

  it("take the options of other kinds as they are", () => {
    const form = formOf(examples[8] as Provider);
    form.values.raw = '{"type": "canbusjs"}';
    expect(providerOf(form)).toMatchObject({ type: "NMEA2000", options: { type: "canbusjs" } });
    form.values.raw = "{";
    expect(Object.keys(problemsOf(form, []))).toEqual(["raw"]);
  });
});

describe("problems", () => {
  it("are found before anything is sent", () => {
    const form = newForm(kind("tcp"), "", {});
    expect(Object.keys(problemsOf(form, []))).toEqual(["id", "host", "port"]);
    form.id = "taken";
    Object.assign(form.values, { host: "http://x", port: "70000", noDataReceivedTimeout: "-1", talkerGroups: "nonsense" });
    expect(Object.keys(problemsOf(form, ["taken"]))).toEqual(["id", "host", "port", "noDataReceivedTimeout", "talkerGroups"]);
    const saved = formOf(examples[0] as Provider);
    expect(problemsOf(saved, ["tcp"])).toEqual({});
  });

  it("are not looked for in fields that don't count", () => {
    const form = newForm(kind("signalk"), "a", {});
    form.values.useDiscovery = true;
    expect(problemsOf(form, [])).toEqual({});
    form.values.selfHandling = "manualSelf";
    expect(Object.keys(problemsOf(form, []))).toEqual(["remoteSelf"]);
    expect(shownFields(kind("tcp").advanced, { protocol: "SignalK" }).map(({ key }) => key)).not.toContain("talkerGroups");
  });

  it("of the server stand at their fields", () => {
    const form = newForm(kind("serial"), "a", {});
    expect(problemFromServer(form, '`subOptions.baudrate` is "x"; it should be a number')).toEqual({ baudrate: 'This is "x"; it should be a number' });
    expect(problemFromServer(form, "`subOptions.device` is missing; it should be a text")).toEqual({ device: "This is missing. It should be a text" });
    expect(problemFromServer(form, "Connection with ID 'a' already exists")).toEqual({ id: "Connection with ID 'a' already exists" });
    expect(problemFromServer(form, "`subOptions.unknown` is 1; it should be 2")).toEqual({ form: "`subOptions.unknown` is 1; it should be 2" });
  });
});

it("offers kinds that can be made", () => {
  expect(offeredKinds.map(({ id }) => id)).not.toContain("other");
});
