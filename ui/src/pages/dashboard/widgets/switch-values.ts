/** Whether a value means on; undefined for what is neither. */
export function isOn(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  if (value === 0 || value === 1) return value === 1;
  if (typeof value !== "string") return undefined;
  const word = value.toLowerCase();
  if (word === "on" || word === "true") return true;
  return word === "off" || word === "false" ? false : undefined;
}

/** The same in the form in which the present value is given. */
export function settingFor(on: boolean, present: unknown): boolean | number | string {
  if (typeof present === "boolean") return on;
  if (typeof present === "string") return on ? "on" : "off";
  return on ? 1 : 0;
}
