import { createSchemaUtils, type RJSFSchema } from "@rjsf/utils";
import { describe, expect, it } from "vitest";
import { SchemaValidator, validator } from "./validator";

const schema: RJSFSchema = {
  type: "object",
  required: ["host"],
  properties: {
    host: { type: "string", minLength: 1 },
    port: { type: "integer", minimum: 1, maximum: 65_535 },
    units: { type: "string", enum: ["m", "ft"] },
    alarms: { type: "array", items: { type: "object", required: ["path"], properties: { path: { type: "string" } } } },
    address: { $ref: "#/definitions/address" },
  },
  definitions: { address: { type: "object", properties: { mail: { type: "string", format: "email" } } } },
};

const stacks = (data: unknown, of: RJSFSchema = schema) =>
  validator.validateFormData(data, of).errors.map((error) => `${error.property} ${error.message}`);

describe("the validator", () => {
  it("has no complaint about what is right", () => {
    expect(stacks({ host: "boat", port: 3000, units: "m", alarms: [{ path: "a" }], address: { mail: "a@b.example" } })).toEqual([]);
    expect(stacks({ host: "boat", port: undefined }), "undefined is not there").toEqual([]);
  });

  it("says what is wrong at the field where it is, in words", () => {
    expect(stacks({ port: 70_000, units: "fathom", alarms: [{ path: "a" }, {}], address: { mail: "x" } }).sort()).toEqual([
      ".address.mail has to be a valid email",
      ".alarms[1].path has to be filled in",
      ".host has to be filled in",
      ".port has to be 65535 or less",
      ".units has to be one of: m, ft",
    ]);
    expect(stacks({ host: 7 })).toEqual([".host has to be a text"]);
    const { errorSchema } = validator.validateFormData({ alarms: [{}] }, schema);
    expect(errorSchema).toMatchObject({
      host: { __errors: ["has to be filled in"] },
      alarms: { 0: { path: { __errors: ["has to be filled in"] } } },
    });
  });

  it("says so when the schema itself can't be used", () => {
    const broken = { $ref: "#/definitions/gone" } as RJSFSchema;
    const { errors, errorSchema } = validator.validateFormData({}, broken);
    expect(errors[0]?.stack).toContain("The form's schema is wrong");
    expect(errorSchema).toHaveProperty("$schema.__errors");
    expect(validator.isValid(broken, {}, broken)).toBe(false);
  });

  it("follows references of a part to the root", () => {
    const part = { $ref: "#/definitions/address" } as RJSFSchema;
    expect(validator.isValid(part, { mail: "a@b.example" }, schema)).toBe(true);
    expect(validator.isValid(part, { mail: 7 }, schema)).toBe(false);
  });

  it("runs and transforms what the caller adds", () => {
    const own = new SchemaValidator<{ host?: string }>();
    const { errors } = own.validateFormData(
      { host: "boat" },
      schema,
      (data, handler) => {
        if (data?.host === "boat") handler.host?.addError("is taken");
        return handler;
      },
      (found) => [...found, { property: ".host", message: "is odd", stack: "one more" }],
    );
    expect(errors.map((error) => error.stack).sort()).toEqual([".host is taken", "one more"]);
  });

  it("lets the form choose among possibilities and fill in defaults", () => {
    const choice: RJSFSchema = {
      type: "object",
      properties: { kind: { type: "string", default: "tcp" } },
      dependencies: {
        kind: {
          oneOf: [
            { properties: { kind: { const: "tcp" }, port: { type: "number", default: 10_110 } } },
            { properties: { kind: { const: "file" }, name: { type: "string", default: "log" } } },
          ],
        },
      },
    };
    const utils = createSchemaUtils(validator, choice);
    expect(utils.getDefaultFormState(choice, { kind: "tcp" })).toEqual({ kind: "tcp", port: 10_110 });
    expect(utils.getDefaultFormState(choice, { kind: "file" })).toEqual({ kind: "file", name: "log" });
  });
});
