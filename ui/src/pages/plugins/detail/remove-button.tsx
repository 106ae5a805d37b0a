import { fetchInstalls, removePackage } from "../../../api/packages";
import type { PluginDetails } from "../../../api/plugins";
import { ConfirmButton } from "../../../components/confirm-button";
import { notifyDone } from "../../../components/notify";
import { navigate } from "../../../state/location";

/** Between two looks at how far it is, ms. */
const PAUSE = 500;

/** Removes the package of a plugin, and leads back to the list. */
export function RemoveButton({ plugin }: { plugin: PluginDetails }) {
  const { packageName, name } = plugin;
  const remove = async () => {
    await removePackage(packageName);
    for (;;) {
      const latest = (await fetchInstalls()).find((one) => one.name === packageName && one.action === "remove");
      if (latest === undefined || latest.state === "done") break;
      if (latest.state === "failed") throw new Error(latest.message);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    notifyDone(`${name} is removed`);
    navigate("/plugins");
  };
  return (
    <ConfirmButton
      title={`Remove ${name}?`}
      text="It is stopped and its files are removed. Its settings and what it has saved are kept, should you install it again."
      confirmLabel="Remove"
      onConfirm={remove}
      testId="plugin-remove"
    >
      Remove
    </ConfirmButton>
  );
}
