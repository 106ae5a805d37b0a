import { segment, send } from "./http";

const BASE = "/signalk/v2/api/notifications";

/** `id` is that in the notification's value; a notification without one can't be managed. */
export const silenceNotification = (id: string) => send("POST", `${BASE}/${segment(id)}/silence`);
export const acknowledgeNotification = (id: string) => send("POST", `${BASE}/${segment(id)}/acknowledge`);
export const clearNotification = (id: string) => send("DELETE", `${BASE}/${segment(id)}`);
export const silenceAllNotifications = () => send("POST", `${BASE}/silenceAll`);
export const acknowledgeAllNotifications = () => send("POST", `${BASE}/acknowledgeAll`);
/** Man overboard. */
export const raiseMob = (message: string) => send("POST", `${BASE}/mob`, { message });
