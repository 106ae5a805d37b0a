import { useIsLive } from "../state/hooks";
import { usePreference } from "../state/preferences";
import type { UnitMode } from "../units/format";
import { Banners } from "./banners";
import { Connections } from "./connections";
import { Header } from "./header";
import { Instruments } from "./instruments";
import { Notifications } from "./notifications";
import { Plugins } from "./plugins";
import { Statistics } from "./statistics";
import { Values } from "./values";

export function App() {
  const [mode, setMode] = usePreference<UnitMode>("units", ["sailor", "si"], "sailor");
  const live = useIsLive();
  return (
    <>
      <Header />
      <main data-live={live}>
        <Banners />
        <Statistics />
        <Notifications />
        <Instruments mode={mode} />
        <div className="columns">
          <div className="side">
            <Connections />
            <Plugins />
          </div>
          <Values mode={mode} onMode={setMode} />
        </div>
      </main>
    </>
  );
}
