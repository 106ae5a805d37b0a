import { notifications } from "@mantine/notifications";
import { messageOf } from "../api/http";

const closeButtonProps = { "aria-label": "Close" };

/** Says shortly that something has been done. */
export function notifyDone(message: string): void {
  notifications.show({ message, color: "green", autoClose: 4_000, closeButtonProps });
}

/** Says that something failed and why; stays until it is closed. */
export function notifyProblem(title: string, error: unknown): void {
  notifications.show({ title, message: messageOf(error), color: "red", autoClose: false, closeButtonProps });
}

/** Does something, and says what came of it. False when it failed. */
export async function act(work: () => Promise<unknown>, done: string, failed: string): Promise<boolean> {
  try {
    await work();
    notifyDone(done);
    return true;
  } catch (error) {
    notifyProblem(failed, error);
    return false;
  }
}
