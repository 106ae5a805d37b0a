/**
 * The validator behind plugin forms. It interprets schemas instead of compiling them to code, because the content
 * security policy of this page refuses to run generated code.
 */
import { Validator, type OutputUnit, type Schema } from "@cfworker/json-schema";
import {
  createErrorHandler,
  getDefaultFormState,
  toErrorSchema,
  unwrapErrorHandler,
  validationDataMerge,
  type CustomValidator,
  type ErrorTransformer,
  type FormContextType,
  type RJSFSchema,
  type RJSFValidationError,
  type StrictRJSFSchema,
  type UiSchema,
  type ValidationData,
  type ValidatorType,
} from "@rjsf/utils";

/** Refs to this stand for the root schema while a part of it is checked. */
const ROOT = "https://form.invalid/root";
/** Schemas are written for one draft or another; most plugins mean 7. */
const DRAFT = "7";
/** Errors that only say that one below failed. */
const WRAPPERS = new Set(["properties", "items", "additionalItems", "prefixItems", "$ref", "allOf", "if", "then", "else", "additionalProperties"]);

export class SchemaValidator<T = unknown, S extends StrictRJSFSchema = RJSFSchema, F extends FormContextType = object>
  implements ValidatorType<T, S, F>
{
  validateFormData(
    formData: T | undefined,
    schema: S,
    customValidate?: CustomValidator<T, S, F>,
    transformErrors?: ErrorTransformer<T, S, F>,
    uiSchema?: UiSchema<T, S, F>,
  ): ValidationData<T> {
    const raw = this.rawValidation<RJSFValidationError>(schema, formData);
    let errors = raw.errors ?? [];
    if (raw.validationError !== undefined) {
      errors = [...errors, { stack: `The form's schema is wrong: ${raw.validationError.message}` }];
    }
    if (transformErrors !== undefined) errors = transformErrors(errors, uiSchema);
    let errorSchema = toErrorSchema<T>(errors);
    if (raw.validationError !== undefined) {
      errorSchema = { ...errorSchema, $schema: { __errors: [raw.validationError.message] } };
    }
    if (customValidate === undefined) return { errors, errorSchema };
    const complete = getDefaultFormState<T, S, F>(this, schema, formData, schema, true) as T;
    const handler = customValidate(complete, createErrorHandler<T>(complete), uiSchema);
    return validationDataMerge<T>({ errors, errorSchema }, unwrapErrorHandler<T>(handler));
  }

  isValid(schema: S, formData: T | undefined, rootSchema: S): boolean {
    try {
      const root = (rootSchema as RJSFSchema).$id ?? ROOT;
      const validator = new Validator(atRoot(schema, root) as Schema, DRAFT, true);
      validator.addSchema({ ...(clean(rootSchema) as Schema), $id: root });
      return validator.validate(clean(formData)).valid;
    } catch {
      // A schema that can't be used fits nothing; `validateFormData` of the whole says why.
      return false;
    }
  }

  rawValidation<Result = unknown>(schema: S, formData?: T): { errors?: Result[]; validationError?: Error } {
    try {
      const { valid, errors } = new Validator(clean(schema) as Schema, DRAFT, false).validate(clean(formData));
      if (valid) return { errors: [] };
      return { errors: told(errors).map((unit) => toFormError(unit, schema, formData)) as Result[] };
    } catch (error) {
      return { validationError: error instanceof Error ? error : new Error(String(error)) };
    }
  }
}

/** The one instance that forms use. */
export const validator: ValidatorType = new SchemaValidator<unknown>() as ValidatorType;
export default validator;

/** What JSON can hold: members that are undefined are not there. */
function clean(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** `#/definitions/x` inside a part of a schema means the root's definitions. */
function atRoot(schema: unknown, root: string): unknown {
  if (Array.isArray(schema)) return schema.map((item) => atRoot(item, root));
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([key, value]) =>
      key === "$ref" && typeof value === "string" && value.startsWith("#") ? [key, root + value] : [key, atRoot(value, root)],
    ),
  );
}

/** The errors a person can do something about, each once. */
function told(errors: readonly OutputUnit[]): OutputUnit[] {
  const leaves = errors.filter((error) => !WRAPPERS.has(error.keyword) || isClosed(error));
  const chosen = leaves.length > 0 ? leaves : errors;
  const seen = new Set<string>();
  return chosen.filter((error) => {
    const key = `${error.instanceLocation}\n${error.error}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** `additionalProperties: false` is a reason of its own, not a sign of one further down. */
function isClosed({ keyword, error }: OutputUnit): boolean {
  return keyword === "additionalProperties" && error.includes("does not match");
}

function toFormError(unit: OutputUnit, schema: unknown, data: unknown): RJSFValidationError {
  const pointer = unit.instanceLocation.replace(/^#/, "").split("/").slice(1).map(decode);
  const missing = unit.keyword === "required" ? /property "(.+?)"/.exec(unit.error)?.[1] : undefined;
  const path = missing === undefined ? pointer : [...pointer, missing];
  const part = schemaAt(schema, unit.keywordLocation);
  const message = wordsOf(unit, part, valueAt(data, pointer));
  const property = path.map((name) => (/^\d+$/.test(name) ? `[${name}]` : `.${name}`)).join("");
  const label = path.at(-1);
  return {
    name: unit.keyword,
    message,
    params: missing === undefined ? {} : { missingProperty: missing },
    property: property === "" ? "." : property,
    stack: label === undefined ? message : `${label}: ${message}`,
    schemaPath: unit.keywordLocation,
  };
}

function decode(segment: string): string {
  let text = segment;
  try {
    text = decodeURIComponent(segment);
  } catch {
    // A percent sign of its own.
  }
  return text.replace(/~1/g, "/").replace(/~0/g, "~");
}

/** The value of the keyword that failed; `$ref` in its location leads on from where that points. */
function schemaAt(schema: unknown, location: string): unknown {
  let at = schema;
  for (const name of location.replace(/^#/, "").split("/").slice(1).map(decode)) {
    const next = valueAt(at, [name]);
    const isPointer = name === "$ref" && typeof next === "string" && next.startsWith("#");
    at = isPointer ? valueAt(schema, next.slice(1).split("/").slice(1).map(decode)) : next;
  }
  return at;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

/** What is wrong, for whoever fills in the form. */
function wordsOf(unit: OutputUnit, limit: unknown, value: unknown): string {
  switch (unit.keyword) {
    case "required":
      return "has to be filled in";
    case "type":
      return `has to be ${kinds(limit)}`;
    case "minimum":
      return `has to be ${limit} or more`;
    case "maximum":
      return `has to be ${limit} or less`;
    case "exclusiveMinimum":
      return `has to be more than ${limit}`;
    case "exclusiveMaximum":
      return `has to be less than ${limit}`;
    case "multipleOf":
      return `has to be a multiple of ${limit}`;
    case "minLength":
      return value === "" || limit === 1 ? "has to be filled in" : `has to have ${limit} characters or more`;
    case "maxLength":
      return `has to have ${limit} characters or less`;
    case "minItems":
      return `needs ${limit} entries or more`;
    case "maxItems":
      return `can have ${limit} entries or less`;
    case "uniqueItems":
      return "has the same entry twice";
    case "enum":
      return Array.isArray(limit) ? `has to be one of: ${limit.map(String).join(", ")}` : "is none of the choices";
    case "const":
      return `has to be ${JSON.stringify(limit)}`;
    case "pattern":
      return "does not have the right form";
    case "format":
      return typeof limit === "string" ? `has to be a valid ${limit}` : "does not have the right form";
    case "anyOf":
    case "oneOf":
      return "fits none of the possibilities";
    default:
      return unit.error;
  }
}

const kindNames: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  integer: "a whole number",
  boolean: "yes or no",
  array: "a list",
  object: "a group of values",
  null: "empty",
};

function kinds(type: unknown): string {
  const types = Array.isArray(type) ? type : [type];
  return types.map((name) => kindNames[String(name)] ?? String(name)).join(" or ");
}
