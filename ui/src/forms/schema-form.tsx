import Form from "@rjsf/mantine";
import type { IChangeEvent } from "@rjsf/core";
import type { RJSFSchema, UiSchema } from "@rjsf/utils";
import { useEffect, useState } from "react";
import { SaveBar } from "../components/save-bar";
import { validator } from "./validator";

export interface SchemaFormProps {
  /** Prefix of the ids of the fields. */
  id: string;
  schema: RJSFSchema;
  uiSchema?: UiSchema | undefined;
  /** What is saved now. */
  value: unknown;
  disabled?: boolean;
  /** Rejects with the reason when it can't be saved. */
  onSave: (value: unknown) => Promise<void>;
}

/**
 * A form made from a JSON Schema, with a bar to save or undo as soon as something is changed. It throws when the schema
 * can't be used: put it into an `<ErrorBoundary>`. Load it lazily: `lazy(() => import("../../forms/schema-form"))`.
 */
export default function SchemaForm({ id, schema, uiSchema, value, disabled, onSave }: SchemaFormProps) {
  const [shown, setShown] = useState({ data: value, changed: false });
  useEffect(() => setShown({ data: value, changed: false }), [value]);
  return (
    <Form
      id={id}
      idPrefix={id}
      schema={schema}
      uiSchema={{ ...uiSchema, "ui:submitButtonOptions": { norender: true } }}
      formData={shown.data}
      validator={validator}
      disabled={disabled ?? false}
      liveValidate="onBlur"
      showErrorList={false}
      noHtml5Validate
      onChange={(event: IChangeEvent, field?: string) =>
        // Without a field it is the form that fills in its defaults: nobody has changed anything.
        setShown((before) => ({ data: event.formData, changed: before.changed || field !== undefined }))
      }
    >
      <SaveBar
        changed={shown.changed}
        onSave={async () => {
          const { errors } = validator.validateFormData(shown.data, schema);
          if (errors.length > 0) throw new Error(errors.map((error) => error.stack).join("; "));
          await onSave(shown.data);
          setShown((before) => ({ ...before, changed: false }));
        }}
        onUndo={() => setShown({ data: value, changed: false })}
      />
    </Form>
  );
}
