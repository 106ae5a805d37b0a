// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiError } from "../api/http";
import { loginRequest } from "../state/login-request";
import { useLoad } from "../state/use-load";
import { ConfirmButton } from "./confirm-button";
import { DataTable } from "./data-table";
import { ErrorBoundary } from "./error-boundary";
import { LoadState } from "./load-state";
import { sparklineXy } from "./sparkline";

beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  loginRequest.set(undefined);
});

const show = (children: ReactNode) => render(<MantineProvider env="test">{children}</MantineProvider>);

it("a confirm button asks once, does it, and shows why it failed", async () => {
  const onConfirm = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error("It is in use")).mockResolvedValueOnce();
  show(
    <ConfirmButton title="Delete it?" text="For good." confirmLabel="Delete" onConfirm={onConfirm}>
      Remove
    </ConfirmButton>,
  );
  fireEvent.click(screen.getByRole("button", { name: "Remove" }));
  expect(onConfirm).not.toHaveBeenCalled();
  fireEvent.click(await screen.findByRole("button", { name: "Delete" }));
  expect((await screen.findByRole("alert")).textContent).toBe("It is in use");
  fireEvent.click(screen.getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(onConfirm).toHaveBeenCalledTimes(2);
});

it("an error boundary keeps a fault to itself, and tries again", () => {
  let broken = true;
  const Part = () => {
    if (broken) throw new Error("schema has no end");
    return <p>fine</p>;
  };
  show(
    <ErrorBoundary what="The form">
      <Part />
    </ErrorBoundary>,
  );
  expect(screen.getByTestId("fault").textContent).toContain("The form can't be shown");
  expect(screen.getByTestId("fault").textContent).toContain("schema has no end");
  broken = false;
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(screen.getByText("fine")).toBeTruthy();
});

function Page({ load }: { load: () => Promise<string> }) {
  return <LoadState of={useLoad(load)}>{(data) => <p>{data}</p>}</LoadState>;
}

it("what is loaded is shown; a failure too, with a way to try again", async () => {
  const load = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Error("no link")).mockResolvedValueOnce("the answer");
  show(<Page load={load} />);
  expect(screen.getByTestId("loading")).toBeTruthy();
  expect((await screen.findByTestId("error-state")).textContent).toContain("no link");
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("the answer")).toBeTruthy();
  expect(screen.queryByTestId("error-state")).toBeNull();
});

it("what is refused leads to the login", async () => {
  show(<Page load={() => Promise.reject(new ApiError(401, "no", "GET", "/x", ""))} />);
  fireEvent.click(await screen.findByRole("button", { name: "Sign in" }));
  expect(loginRequest.get()).toBe("");
});

it("a table without rows says what it would have", () => {
  const columns = [{ key: "a", title: "A", render: (item: string) => item }];
  const { rerender } = show(<DataTable label="t" columns={columns} items={[]} keyOf={(i) => i} empty={<p>nothing yet</p>} />);
  expect(screen.getByText("nothing yet")).toBeTruthy();
  rerender(
    <MantineProvider env="test">
      <DataTable label="t" columns={columns} items={["x"]} keyOf={(i) => i} empty={<p>nothing yet</p>} testIdOf={(i) => `row-${i}`} />
    </MantineProvider>,
  );
  expect(screen.getByTestId("row-x").querySelector('[data-cell="a"]')?.textContent).toBe("x");
});

it("a sparkline fills its box, and lies in the middle when nothing changes", () => {
  expect(sparklineXy([1, 3, 2], 102, 22)).toEqual([
    [1, 21],
    [51, 1],
    [101, 11],
  ]);
  expect(sparklineXy([5, 5], 102, 22)).toEqual([
    [1, 11],
    [101, 11],
  ]);
  expect(sparklineXy([5], 102, 22)).toEqual([]);
});
