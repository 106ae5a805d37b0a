import { useSubroute } from "../../state/location";
import { PluginPage } from "./detail/plugin-page";
import { PluginList } from "./list/plugin-list";
import { useCosts, usePlugins } from "./use-plugins";
import "./plugins.css";

/** The plugins, what they cost, and what can be done with each. */
export default function PluginsPage() {
  const [id] = useSubroute("/plugins");
  const plugins = usePlugins();
  const costs = useCosts();
  return (
    <div className="plugins-page" data-testid="page-plugins">
      {id === undefined ? (
        <PluginList plugins={plugins} costs={costs} />
      ) : (
        <PluginPage key={id} id={id} plugins={plugins} cost={costs.get(id)} />
      )}
    </div>
  );
}
