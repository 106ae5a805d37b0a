import { Autocomplete, PasswordInput, Select, Switch, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Field } from "../model/fields";
import type { FoundPort } from "../model/found";

export interface FieldInputProps {
  field: Field;
  value: string | boolean;
  problem: string | undefined;
  /** Serial ports that were found. */
  ports: readonly FoundPort[];
  onChange: (value: string | boolean) => void;
}

/** One field of the form, as its type wants it. */
export function FieldInput({ field, value, problem, ports, onChange }: FieldInputProps) {
  const { label, hint, type, required = false, placeholder } = field;
  // A value that nobody offers stays in the list when another one is chosen.
  const [first] = useState(value);
  const common = {
    label,
    description: hint === "" ? undefined : hint,
    error: problem,
    withAsterisk: required,
    "data-testid": `field-${field.key}`,
    "data-field": field.key,
    ...(placeholder === undefined ? {} : { placeholder }),
  };
  if (typeof value === "boolean") {
    return (
      <Switch
        label={label}
        description={common.description}
        error={problem}
        checked={value}
        onChange={(event) => onChange(event.currentTarget.checked)}
        data-testid={common["data-testid"]}
        data-field={field.key}
      />
    );
  }
  const text = { ...common, value, spellCheck: false, autoComplete: "off", autoCapitalize: "off" } as const;
  switch (type) {
    case "choice": {
      const offered = field.choices ?? [];
      const own = typeof first === "string" && !offered.some((choice) => choice.value === first) ? [{ value: first, label: first }] : [];
      return <Select {...common} withAsterisk={false} data={[...offered, ...own]} value={value} onChange={(next) => onChange(next ?? "")} />;
    }
    case "secret":
      return <PasswordInput {...common} value={value} autoComplete="off" onChange={(event) => onChange(event.currentTarget.value)} />;
    case "device":
      return <Autocomplete {...text} data={ports.map(({ path }) => path)} onChange={onChange} comboboxProps={{ shadow: "md" }} />;
    case "groups":
    case "json":
    case "pem":
      return <Textarea {...text} size="md" autosize minRows={2} maxRows={12} onChange={(event) => onChange(event.currentTarget.value)} />;
    case "port":
    case "number":
      return <TextInput {...text} inputMode={type === "port" ? "numeric" : "decimal"} onChange={(event) => onChange(event.currentTarget.value)} />;
    case "text":
    case "flag":
      return <TextInput {...text} onChange={(event) => onChange(event.currentTarget.value)} />;
  }
}
