import type { Provider, ProviderOptions } from "../../../api/connections";
import { FORGET_TOKEN } from "./access";
import type { Field } from "./fields";
import { formatGroups, parseGroups, type TalkerGroups } from "./groups";
import { kindOf, shownFields, type Kind } from "./kinds";

export type FormValues = Record<string, string | boolean>;

/** A connection as its form has it. Texts are what was typed. */
export interface ConnectionForm {
  kind: Kind;
  id: string;
  enabled: boolean;
  logging: boolean;
  /** By field. */
  values: FormValues;
  /** As it is saved: what the form does not know goes back as it came. Undefined for a new one. */
  saved: Provider | undefined;
}

/** What is wrong, by field; `id` is the name, `form` what belongs to no field. */
export type Problems = Readonly<Record<string, string>>;

const TYPES = { serial: "serial", tcp: "tcp", udp: "udp", gpsd: "gpsd", listener: "tcplistener", clients: "tcpserver" } as const;

/** The field for the options of a kind without a form. */
export const RAW: Field = { key: "raw", label: "Options", type: "json", required: true };

/** All fields of a kind. */
export function fieldsOf(kind: Kind): readonly Field[] {
  return kind.id === "other" ? [RAW] : [...kind.fields, ...kind.advanced];
}

/** The form of a new connection. `preset` has values to begin with. */
export function newForm(kind: Kind, id: string, preset: FormValues = {}): ConnectionForm {
  const values: FormValues = {};
  for (const field of fieldsOf(kind)) values[field.key] = preset[field.key] ?? emptyOf(field);
  return { kind, id, enabled: true, logging: false, values, saved: undefined };
}

/** The form of a connection that is there. */
export function formOf(provider: Provider): ConnectionForm {
  const kind = kindOf(provider);
  const values: FormValues = {};
  for (const field of fieldsOf(kind)) values[field.key] = valueOf(field, provider);
  return { kind, id: provider.id, enabled: provider.enabled, logging: provider.logging === true, values, saved: provider };
}

/**
 * What to send to the server. An option that is not touched goes back exactly as it came, and so does everything that the
 * form does not know. One that was emptied is sent as an empty text, as absent ones stay what they are.
 */
export function providerOf(form: ConnectionForm): Provider {
  const { kind, values, saved } = form;
  const base = { id: form.id.trim(), enabled: form.enabled, logging: form.logging };
  const before = saved?.options ?? {};
  if (kind.id === "other") {
    const options = JSON.parse(String(values[RAW.key])) as ProviderOptions;
    return { ...base, type: saved?.type ?? "NMEA0183", options };
  }
  const options: ProviderOptions = { ...before };
  const type = typeOf(form);
  if (type.options !== undefined) options.type = type.options;
  for (const field of fieldsOf(kind)) {
    if (field.key === "protocol" || field.key === "secure") continue;
    const value = values[field.key] ?? emptyOf(field);
    if (field.key === "token" && value === "" && values[FORGET_TOKEN] === true) {
      options.token = null;
      continue;
    }
    if (saved === undefined ? isDefault(field, value) : value === valueOf(field, saved)) continue;
    const sent = optionOf(field, value);
    if (sent !== undefined) options[field.key] = sent;
    else if (field.key in before) options[field.key] = field.type === "groups" ? {} : "";
  }
  return { ...base, type: type.type, options };
}

/** What is wrong with a form, as far as a page can tell. */
export function problemsOf(form: ConnectionForm, takenIds: readonly string[]): Problems {
  const problems: Record<string, string> = {};
  const id = form.id.trim();
  if (id === "") problems.id = "Give it a name.";
  else if (takenIds.includes(id) && id !== form.saved?.id) problems.id = "Another connection has this name.";
  for (const field of shownFields(fieldsOf(form.kind), form.values)) {
    const problem = problemOf(field, form.values[field.key] ?? "");
    if (problem !== undefined) problems[field.key] = problem;
  }
  return problems;
}

/** The field that a sentence of the server is about, and the sentence. */
export function problemFromServer(form: ConnectionForm, words: string): Problems {
  const named = /`(?:subOptions|options)\.(\w+)`/.exec(words)?.[1];
  if (named !== undefined && fieldsOf(form.kind).some(({ key }) => key === named)) {
    return { [named]: words.replace(/`(?:subOptions|options)\.\w+` is missing; it should be/, "This is missing. It should be").replace(/`(?:subOptions|options)\.\w+` is/, "This is") };
  }
  if (/provider ID|with ID|the id |already exists|Invalid provider/i.test(words)) return { id: words };
  return { form: words };
}

function typeOf({ kind, values, saved }: ConnectionForm): { type: string; options?: string } {
  switch (kind.id) {
    case "signalk":
      return { type: "SignalK", options: values.secure === true ? "wss" : "ws" };
    case "recording":
      return { type: "FileStream" };
    case "other":
      return { type: saved?.type ?? "NMEA0183" };
    default: {
      const type = values.protocol === "SignalK" ? "SignalK" : "NMEA0183";
      return { type, options: TYPES[kind.id] };
    }
  }
}

function emptyOf({ type, initial }: Field): string | boolean {
  return initial ?? (type === "flag" ? false : "");
}

/** What need not be said of a new connection. */
function isDefault({ type, initial }: Field, value: string | boolean): boolean {
  return type === "flag" && value === (initial ?? false);
}

/** What the field shows of a saved connection. */
function valueOf(field: Field, { type, options }: Provider): string | boolean {
  if (field.key === RAW.key) return JSON.stringify(options ?? {}, undefined, 2);
  if (field.key === "protocol") return type;
  if (field.key === "secure") return options?.type === "wss";
  const value = options?.[field.key];
  if (value === undefined || value === null || value === "") return emptyOf(field);
  switch (field.type) {
    case "flag":
      return typeof value === "boolean" ? value : value === "true";
    case "groups":
      return typeof value === "object" ? formatGroups(value as TalkerGroups) : String(value);
    case "json":
      return typeof value === "string" ? value : JSON.stringify(value);
    default:
      if (Array.isArray(value)) return value.join(field.type === "choice" ? "," : ", ");
      return typeof value === "object" ? JSON.stringify(value) : String(value);
  }
}

/** The option for what the field has; undefined when it is to be absent. */
function optionOf(field: Field, value: string | boolean): unknown {
  if (typeof value === "boolean") return value;
  const text = value.trim();
  if (text === "") return undefined;
  switch (field.type) {
    case "port":
    case "number":
      return Number(text);
    case "groups":
      return parseGroups(text) ?? text;
    case "json":
      return JSON.parse(text);
    case "choice":
      return field.key === "baudrate" ? Number(text) : text;
    default:
      return text;
  }
}

function problemOf(field: Field, value: string | boolean): string | undefined {
  if (typeof value === "boolean") return undefined;
  const text = value.trim();
  if (text === "") return field.required === true ? "This is needed." : undefined;
  switch (field.type) {
    case "port":
      return /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535 ? undefined : "A port is a number from 1 to 65535.";
    case "number": {
      const number = Number(text);
      const [low, high] = field.range ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      return Number.isFinite(number) && number >= low && number <= high ? undefined : `A number from ${low} to ${high}.`;
    }
    case "groups":
      return parseGroups(text) === undefined ? "Each line is a name, a colon, and talkers: gnss: GP, GL" : undefined;
    case "pem":
      if (text.includes("PRIVATE KEY-----")) return "This has a private key in it, which nobody but its owner may have. The certificate is enough.";
      return /-----BEGIN CERTIFICATE-----[^]+-----END CERTIFICATE-----/.test(text)
        ? undefined
        : "This begins with -----BEGIN CERTIFICATE----- and ends with -----END CERTIFICATE-----.";
    case "json":
      try {
        const parsed: unknown = JSON.parse(text);
        return typeof parsed === "object" && parsed !== null ? undefined : "This has to be a JSON object or list.";
      } catch {
        return "This is not JSON. Check quotes, commas and brackets.";
      }
    default:
      return field.key === "host" && /\s|\/\//.test(text) ? "Only the address or name, without http:// and spaces." : undefined;
  }
}
