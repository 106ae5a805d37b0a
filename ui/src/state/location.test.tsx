// @vitest-environment jsdom
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { navigate, useRoute, useSubroute } from "./location";

afterEach(() => {
  cleanup();
  window.location.hash = "";
});

function Route() {
  return <p data-testid="route">{`${useRoute()} [${useSubroute("/plugins").join("|")}]`}</p>;
}

it("follows the address, and reads what is below a page", async () => {
  render(<Route />);
  expect(screen.getByTestId("route").textContent).toBe(" []");
  navigate("/plugins/%40a%2Fb/log?x=1");
  await waitFor(() => expect(screen.getByTestId("route").textContent).toBe("/plugins/%40a%2Fb/log?x=1 [@a/b|log]"));
  navigate("/pluginsx/%");
  await waitFor(() => expect(screen.getByTestId("route").textContent).toBe("/pluginsx/% []"));
});
