// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import type { RJSFSchema } from "@rjsf/utils";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import SchemaForm from "./schema-form";

afterEach(cleanup);

const schema: RJSFSchema = {
  type: "object",
  required: ["host"],
  properties: {
    host: { type: "string", title: "Host" },
    port: { type: "integer", title: "Port", default: 10_110, minimum: 1 },
  },
};

function open(value: unknown, onSave: (value: unknown) => Promise<void>) {
  render(
    <MantineProvider env="test">
      <SchemaForm id="t" schema={schema} value={value} onSave={onSave} />
    </MantineProvider>,
  );
}

it("offers to save when something is changed, and saves with the defaults", async () => {
  const onSave = vi.fn(async () => undefined);
  open({ host: "boat" }, onSave);
  expect(screen.queryByTestId("save-bar"), "nobody has changed anything").toBeNull();
  fireEvent.change(screen.getByLabelText(/Host/), { target: { value: "ship" } });
  fireEvent.click(screen.getByTestId("save"));
  await waitFor(() => expect(onSave).toHaveBeenCalledWith({ host: "ship", port: 10_110 }));
  await waitFor(() => expect(screen.queryByTestId("save-bar")).toBeNull());
});

it("does not save what is wrong, says why, and can be undone", async () => {
  const onSave = vi.fn(async () => undefined);
  open({ host: "boat" }, onSave);
  fireEvent.change(screen.getByLabelText(/Host/), { target: { value: "" } });
  fireEvent.click(screen.getByTestId("save"));
  expect((await screen.findByRole("alert")).textContent).toContain("host: has to be filled in");
  expect(onSave).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole("button", { name: "Undo" }));
  expect((screen.getByLabelText(/Host/) as HTMLInputElement).value).toBe("boat");
});

it("shows the server's reason when it refuses", async () => {
  open({ host: "boat" }, () => Promise.reject(new Error("The disk is full")));
  fireEvent.change(screen.getByLabelText(/Host/), { target: { value: "x" } });
  fireEvent.click(screen.getByTestId("save"));
  expect((await screen.findByRole("alert")).textContent).toBe("The disk is full");
  expect(screen.getByTestId("save-bar")).toBeTruthy();
});
