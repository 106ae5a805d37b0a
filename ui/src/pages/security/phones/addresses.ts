/** Under which addresses phones find this server. */

/** Whether an address works on the computer itself only. */
export function isLocalOnly(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

export interface Place {
  /** As in `location`. */
  protocol: string;
  hostname: string;
  port: string;
}

/** The address of the pages for another device, as it is now. */
export function pageAddress({ protocol, hostname, port }: Place): string {
  return `${protocol}//${hostname}${port === "" ? "" : `:${port}`}/`;
}

/** Where the boat's root certificate is to be had, by plain HTTP: a phone that does not trust it yet can get it there only. */
export function rootAddress(place: Place, plainPort: number | undefined): string {
  const port = place.protocol === "http:" || plainPort === undefined ? place.port : plainPort === 80 ? "" : String(plainPort);
  return `${pageAddress({ protocol: "http:", hostname: place.hostname, port })}windlass/ca.pem`;
}

/** An address as somebody typed it, made whole; undefined when it is none. */
export function typedAddress(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const whole = /^https?:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`;
  return URL.canParse(whole) && !/\s/.test(whole) ? new URL(whole).href : undefined;
}
