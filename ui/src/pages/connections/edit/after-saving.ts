import { fetchConnectionDetails } from "../../../api/connections";
import { ApiError } from "../../../api/http";
import { detailsRoute, editRoute, navigate } from "../model/routes";
import type { Connections } from "../use-connections";

/** Goes to the connection; back to its form when the server can't do what was saved. */
export async function afterSaving(id: string, connections: Connections): Promise<void> {
  let isRefused = false;
  try {
    isRefused = (await fetchConnectionDetails(id)).state === "refused";
  } catch (error) {
    // Saved it is, whether or not the server tells how it goes.
    if (!(error instanceof ApiError)) throw error;
  }
  await connections.reload();
  navigate(isRefused ? editRoute(id) : detailsRoute(id));
}
