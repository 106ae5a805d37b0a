import { Store } from "./store";

/** Why the login dialog is open; undefined while it is closed. */
export const loginRequest = new Store<string | undefined>(undefined);

/** Opens the login dialog. */
export function openLogin(reason = ""): void {
  loginRequest.set(reason);
}

export function closeLogin(): void {
  loginRequest.set(undefined);
}
